"""What the operator's forms send, read strictly; and numbers in addresses that name rows."""

from quart import request

from lvs.errors import Invalid
from lvs.web.filters import number, readable

MAX_ID = 2**53
MAX_TIME = 2**53
MAX_CHOSEN = 1000
MAX_TEXT = 1000


def row_id(value: str) -> int:
    """The id that stands in an address. Raises Invalid where it is no number."""
    return number({"The address": [value]}, "The address", MAX_ID)


async def form_text(name: str) -> str:
    """A field of the form that was sent; empty where it was not. Raises Invalid."""
    value = (await request.form).get(name, "")
    if len(value) > MAX_TEXT:
        raise Invalid(f"The field {name} is too long.")
    return readable(value, name)


async def form_number(name: str, largest: int = MAX_ID) -> int:
    """A field that is a whole number; 0 where it was not sent. Raises Invalid."""
    return number({name: [await form_text(name)]}, name, largest)


async def form_ids(name: str = "id") -> list[int]:
    """Every id that was ticked. Raises Invalid."""
    return chosen_ids((await request.form).getlist(name), name)


def chosen_ids(values: list[str], name: str = "id") -> list[int]:
    """Ids as numbers, each once.

    Raises Invalid where one is none, or where there are more than a page shows.
    """
    if len(values) > MAX_CHOSEN:
        raise Invalid(f"Choose at most {MAX_CHOSEN:,} at once.")
    return list(dict.fromkeys(number({name: [value]}, name, MAX_ID) for value in values))
