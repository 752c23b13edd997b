"""Reads the dashboard."""

from quart.typing import TestClientProtocol
from support.home import Home
from support.html_tree import Tree


async def text_of(client: TestClientProtocol, address: str) -> str:
    answer = await client.get(address)
    assert answer.status_code == 200
    return (await answer.get_data(as_text=False)).decode()


async def health_of(home: Home) -> str:
    """The words of the health tile."""
    tree = Tree(await text_of(home.client, "/admin/tiles/health"))
    return " ".join(tree.elements[0].text.split())
