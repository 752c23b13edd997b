"""One film after the other by plain forms, as a browser without scripts sends them."""

import html
import re
from dataclasses import dataclass

import pytest
from quart import Response
from support.home import Home

PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


@dataclass(frozen=True)
class Shown:
    """A page of triage: its words and its forms."""

    text: str

    @property
    def title(self) -> str:
        return re.findall(r"<h1[^>]*>\s*(?:<a[^>]*>)?(.*?)<", self.text)[-1]

    @property
    def left(self) -> int:
        return int(re.findall(r'id="triage-left">([\d,]+)', self.text)[0])

    @property
    def bar(self) -> tuple[int, int]:
        """The number of films decided, and of all."""
        found = re.findall(r'id="triage-bar" max="(\d+)" value="(\d+)"', self.text)[0]
        return int(found[1]), int(found[0])

    def form(self, css_class: str) -> tuple[str, dict[str, str]]:
        """Address and hidden fields of a form."""
        place = self.text.index(css_class)
        form = self.text[self.text.rindex("<form", 0, place + 1) :].partition("</form>")[0]
        address = html.unescape(re.findall(r'action="([^"]*)"', form)[0])
        fields = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
        return address, {name: html.unescape(value) for name, value in fields}

    @property
    def tags(self) -> dict[str, bool]:
        """The tags that are offered in their order, and whether the film carries them."""
        found = re.findall(r'name="tag" value="([^"]*)" aria-pressed="(\w+)"', self.text)
        return {name: on == "true" for name, on in found}


async def text(response: Response) -> str:
    return (await response.get_data()).decode()


async def get(home: Home, address: str) -> Shown:
    answer = await home.client.get(address)
    assert answer.status_code == 200, await text(answer)
    return Shown(await text(answer))


async def send(home: Home, shown: Shown, css_class: str, **button: str) -> Shown:
    """The page behind a form."""
    address, fields = shown.form(css_class)
    answer = await home.client.post(address, form=fields | button)
    assert answer.status_code == 303, await text(answer)
    return await get(home, answer.headers["Location"])


async def films(home: Home, *names: str) -> list[str]:
    for name in names:
        home.add(f"{name}.mp4")
    await home.scan()
    await home.probed()
    return [(await home.video(f"{name}.mp4")).media_hash for name in names]


async def stars(home: Home, name: str) -> int | None:
    return (await home.services.ratings.get((await home.video(f"{name}.mp4")).media_hash)).value


async def test_an_evening_by_plain_forms(home: Home) -> None:
    await films(home, "a", "b", "c", "d")
    shown = await get(home, "/triage?sort=title")
    assert (shown.title, shown.left, shown.bar) == ("a", 4, (0, 4))
    assert "#t=0.05" in shown.text  # half a second long: from a tenth of it
    assert re.search(r"<video muted autoplay", shown.text)
    shown = await send(home, shown, "triage-decide", rating="4")
    assert (shown.title, shown.left, shown.bar) == ("b", 3, (1, 4))
    assert await stars(home, "a") == 4
    shown = await send(home, shown, "triage-decide", do="skip")
    assert (shown.title, shown.left, shown.bar) == ("c", 2, (2, 4))
    shown = await send(home, shown, "triage-decide", do="hide")
    assert (shown.title, shown.left) == ("d", 1)
    assert (await home.video("c.mp4")).hidden
    shown = await send(home, shown, "triage-undo")  # of the hiding
    assert (shown.title, shown.left, shown.bar) == ("c", 2, (2, 4))
    assert not (await home.video("c.mp4")).hidden
    shown = await send(home, shown, "triage-decide", rating="1")
    shown = await send(home, shown, "triage-decide", rating="2")
    assert "1 video left that you skipped" in shown.text
    again = re.findall(r'href="([^"]*)">Go through them again', shown.text)[0]
    shown = await send(home, shown, "triage-undo")  # from the end, too
    assert (shown.title, await stars(home, "d")) == ("d", None)
    await send(home, shown, "triage-decide", rating="2")
    shown = await get(home, html.unescape(again))
    assert (shown.title, shown.left) == ("b", 1)
    shown = await send(home, shown, "triage-decide", rating="5")
    assert "Nothing left to decide" in shown.text
    assert "Go through all 4 videos" in shown.text
    shown = await get(home, "/triage?sort=title&left=all")
    assert (shown.title, shown.left) == ("a", 4)
    assert shown.text.count("data-lit") == 4
    shown = await send(home, shown, "triage-decide", rating="4")  # as before: nothing to take back
    assert (shown.title, shown.left) == ("b", 3)
    await send(home, shown, "triage-undo")
    assert await stars(home, "a") == 4


@pytest.mark.parametrize("order", ["sort=title", "sort=added&order=asc", "sort=random&seed=7"])
async def test_the_number_left_is_right_as_tags_take_films_out_of_the_selection(
    home: Home, order: str
) -> None:
    await films(home, *"abcdef")
    for fill in (False, True):
        if fill:
            await home.services.gallery.fill()
        shown = await get(home, f"/triage?{order}&tagged=no&left=all")
        for left in range(6, 0, -1):
            assert (shown.left, shown.bar) == (left, (6 - left, 6))
            name = shown.form("triage-decide")[1]["video"]
            await home.services.tags.add(name, "done", "test")
            step = {"rating": "3"} if left % 2 else {"do": "skip"}
            shown = await send(home, shown, "triage-decide", **step)
        assert shown.title == "No video in this selection", shown.title
        shown = await send(home, shown, "triage-undo")
        assert (shown.left, shown.bar) == (1, (5, 6))
        await home.services.tag_management.delete("done", "test")


async def test_undo_of_a_skip_takes_no_earlier_stars_back(home: Home) -> None:
    [name, _] = await films(home, "a", "b")
    await home.services.ratings.rate(name, 3, "test")
    shown = await get(home, "/triage?sort=title&left=all")
    shown = await send(home, shown, "triage-decide", do="skip")
    shown = await send(home, shown, "triage-undo")
    assert (shown.title, shown.left, await stars(home, "a")) == ("a", 2, 3)


async def test_stars_that_were_sent_twice_are_taken_back_once(home: Home) -> None:
    await films(home, "a", "b")
    page = await get(home, "/triage?sort=title")
    await send(home, page, "triage-decide", rating="4")
    shown = await send(home, page, "triage-decide", rating="4")  # a hand that shakes
    assert (shown.title, shown.left) == ("b", 1)
    shown = await send(home, shown, "triage-undo")
    assert (shown.title, await stars(home, "a")) == ("a", None)


async def test_heart_later_and_tags_return_to_the_same_film(home: Home) -> None:
    one, two = await films(home, "a", "b")
    for tag in ("old", "alps", "snow"):
        await home.services.tags.add(two, tag, "test")
    address = "/triage?sort=title"
    shown = await get(home, address)
    assert list(shown.tags.items())[:3] == [("snow", False), ("alps", False), ("old", False)]
    for path, form in (
        (f"/videos/{one}/tags", {"tag": "snow"}),
        (f"/videos/{one}/favorite", {"value": "1"}),
        (f"/videos/{one}/later", {"value": "1"}),
    ):
        assert path in shown.text
        headers = {"Referer": f"http://localhost{address}"}
        answer = await home.client.post(path, form=form, headers=headers)
        assert answer.headers["Location"] == address
    shown = await get(home, address)
    assert (shown.title, shown.tags["snow"]) == ("a", True)
    pressed = re.findall(r'name="value" value="0" aria-pressed="true" data-key="(\w)"', shown.text)
    assert pressed == ["h", "l"]


async def test_the_part_that_is_fetched_ahead_is_the_film_behind(home: Home) -> None:
    await films(home, "a", "b", "c")
    shown = await get(home, "/triage?sort=title&order=desc")
    behind = html.unescape(re.findall(r'data-behind="([^"]*)"', shown.text)[0])
    answer = await home.client.get(behind, headers=PARTIAL)
    part = Shown(await text(answer))
    assert (shown.title, part.title) == ("c", "b")
    assert part.text.startswith("<article")
    assert "HX-Request-Type" in answer.headers["Vary"]
    random = await get(home, "/triage?sort=random")  # an order of its own that every step keeps
    seeds = set(re.findall(r"seed=(\d+)", random.text))
    assert len(seeds) == 1
    seen = [random.title]
    for _ in range(2):
        random = await send(home, random, "triage-decide", do="skip")
        seen.append(random.title)
    assert sorted(seen) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("query", "form"),
    [
        ("left=some", None),
        ("after=!", None),
        ("done=-1", None),
        ("done=x", None),
        ("min_rating=many", None),
        ("", {"rating": "6"}),
        ("", {"rating": "0"}),
        ("", {"do": "dance"}),
        ("", {"rating": "3", "behind": "!"}),
        ("", {}),
    ],
)
async def test_invalid_decisions_are_refused_and_change_nothing(
    home: Home, query: str, form: dict[str, str] | None
) -> None:
    [name] = await films(home, "a")
    if form is None:
        answer = await home.client.get(f"/triage?{query}")
    else:
        answer = await home.client.post(f"/triage?{query}", form={"video": name} | form)
    assert answer.status_code == 400
    assert await stars(home, "a") is None
    gone = await home.client.post("/triage", form={"video": "0" * 16, "rating": "3"})
    assert gone.status_code == 404
    assert (await home.client.get(f"/triage?film={'0' * 16}")).status_code == 404
    undo = await home.client.post("/triage/undo", form={"video": name, "did": "danced"})
    assert undo.status_code == 400


async def test_somebody_limited_decides_on_their_own_selection_only(home: Home) -> None:
    mine, other = await films(home, "a", "b")
    await home.services.tags.add(mine, "kids", "test")
    await home.services.tags.add(other, "secret", "test")
    await home.client.post(
        "/people", form={"name": "Bo", "limited": "1", "tags": "kids", "folders": ""}
    )
    bo = {"LVS-Person": "Bo"}
    answer = await home.client.get("/triage?sort=title", headers=bo)
    shown = Shown(await text(answer))
    assert (shown.title, shown.left, list(shown.tags)) == ("a", 1, ["kids"])
    assert (await home.client.get(f"/triage?film={other}", headers=bo)).status_code == 404
    form = {"video": other, "rating": "3"}
    assert (await home.client.post("/triage", form=form, headers=bo)).status_code == 404
    undo = {"video": other, "did": "rated"}
    assert (await home.client.post("/triage/undo", form=undo, headers=bo)).status_code == 404


async def test_there_are_ways_in_and_an_empty_page_has_a_next_step(home: Home) -> None:
    shown = await get(home, "/triage")
    assert shown.title == "No video in this selection"
    assert 'href="/"' in shown.text
    await films(home, "a")
    gallery = await text(await home.client.get("/?q=a&sort=title"))
    assert 'href="/triage?q=a&amp;sort=title">Decide these one by one&#8230;' in gallery
    assert '<a href="/triage">Decide on unrated videos</a>' in gallery
    keys = shown.text[shown.text.index('id="keys"') :].partition("</section>")[0]
    for meaning in ("Rate, and the next film", "Skip", "Hide", "Later", "Another tag"):
        assert f"<dd>{meaning}</dd>" in keys
