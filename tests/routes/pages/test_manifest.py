"""The manifest by which a phone installs LVS."""

from io import BytesIO

from PIL import Image
from support.home import Home


async def test_a_phone_can_install_lvs(home: Home) -> None:
    page = await (await home.client.get("/")).get_data(as_text=True)
    assert '<link rel="manifest" href="/manifest.webmanifest">' in page
    found = await (await home.client.get("/manifest.webmanifest")).get_json()
    assert (found["display"], found["start_url"]) == ("standalone", "./")
    assert {icon["purpose"] for icon in found["icons"]} == {"any", "maskable"}
    for icon in found["icons"]:
        answer = await home.client.get(f"/{icon['src']}")
        assert answer.status_code == 200
        image = Image.open(BytesIO(await answer.get_data(as_text=False)))
        assert f"{image.width}x{image.height}" == icon["sizes"]
    for shortcut in found["shortcuts"]:
        assert (await home.client.get(f"/{shortcut['url']}")).status_code == 200
