"""Suggestions below the search field: what the words lead to, and nothing else."""

import re

from support.home import Home

from lvs.services.curation.tag_management import TagEdit

PART = {"HX-Request": "true", "HX-Request-Type": "partial"}


async def suggested(home: Home, words: str) -> list[str]:
    answer = await home.client.get("/search/suggestions", query_string={"q": words}, headers=PART)
    assert answer.status_code == 200
    return re.findall(r"<bdi>(.*?)</bdi>", await answer.get_data(as_text=True))


async def test_films_tags_and_folders_that_the_words_name(home: Home) -> None:
    for name in ("alps.mp4", "glass.mp4", "Seas/waves.mp4"):
        home.add(name)
    await home.scan()
    await home.services.gallery.fill()
    await home.services.tags.add((await home.video("glass.mp4")).media_hash, "Alpine", "a")
    assert await suggested(home, "alps") == ["alps"]
    assert sorted(await suggested(home, "alp")) == ["Alpine", "alps", "glass"]  # by its tag
    assert await suggested(home, "seas") == ["waves", "Seas"]
    assert await suggested(home, "nothing of it") == []
    assert await suggested(home, "a") == []  # too short
    edit = TagEdit(more_aliases=("Summits",))
    await home.services.tag_management.edit("Alpine", edit, "a")
    assert await suggested(home, "summ") == ["glass", "Alpine"]  # by an alias of its tag
