"""The colour that stands in the place of a poster: told by a worker, kept, and shown."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from PIL import Image
from support.home import Home
from support.media import make_video, plain

from lvs.models import Card, Query
from lvs.services.media.finish import mean_colour
from lvs.services.media.poster_colours import PosterColours

SHOWN = re.compile(r'<svg class="tone" color="#([0-9a-f]{3})"')


def test_the_mean_colour_has_a_digit_for_red_green_and_blue() -> None:
    image = Image.new("RGB", (4, 2), (255, 0, 0))
    image.paste((0, 0, 255), (2, 0, 4, 2))
    assert mean_colour(image) == "808"
    assert mean_colour(Image.new("L", (3, 3), 255)) == "fff"


async def card(home: Home, title: str) -> Card:
    page = await home.services.gallery.browse(Query(), 10)
    return next(each for each in page.cards if each.title == title)


async def shown(home: Home, query: str) -> list[str]:
    page = await (await home.client.get(f"/?q={query}")).get_data()
    return SHOWN.findall(page.decode())


@asynccontextmanager
async def told(home: Home) -> AsyncIterator[None]:
    """Run the background task that tells missing colours, without its delay."""
    with_it = home.services
    task = asyncio.create_task(
        PosterColours(
            with_it.database, with_it.events, with_it.probe_pool, with_it.jobs, with_it.posters, 0.0
        ).run()
    )
    yield
    task.cancel()


async def test_a_new_film_has_the_colour_of_its_poster(home: Home, tmp_path: Path) -> None:
    red = await asyncio.to_thread(
        make_video, tmp_path / "red.mp4", seconds=0.5, picture=plain(64, 36, (224, 16, 16))
    )
    home.add("Red.mp4", red.read_bytes())
    await home.scan()
    await home.probed()
    [colour] = await shown(home, "red")
    assert colour[0] in "cde"
    assert set(colour[1:]) <= set("0123")


async def test_posters_drawn_before_get_their_colours_and_damaged_ones_are_left(home: Home) -> None:
    for name in ("Whole.mp4", "Damaged.mp4"):
        home.add(name)
    await home.scan()
    await home.probed()
    [before] = await shown(home, "whole")
    async with home.services.database.transaction() as tx:
        await tx.run("DELETE FROM poster_colours")
        await tx.run("UPDATE gallery SET colour = NULL, version = version + 1")
    assert await shown(home, "whole") == []
    damaged = await card(home, "Damaged")
    assert damaged.poster
    home.services.posters.path(damaged.poster, 320, "jpg").write_bytes(b"\xff\xd8 no picture")
    async with told(home):

        async def known() -> bool:
            async with home.services.database.read() as db:
                return not await db.value("SELECT count(*) FROM gallery WHERE colour IS NULL")

        await home.until(known)
    assert await shown(home, "whole") == [before]
    assert await shown(home, "damaged") == []
    assert (await card(home, "Damaged")).version > damaged.version
