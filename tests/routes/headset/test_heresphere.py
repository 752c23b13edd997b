"""HereSphere over HTTP: lists, films, and what is rated and tagged in the headset."""

import asyncio
import json
import os
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from quart import Response
from support.home import OLD_NS, Home
from support.media import make_video, name_chapters
from support.wire import Wire

from lvs.db.changes import ChangeFilter
from lvs.option_values import RateLimit
from lvs.services.headset.access import DAY_S, HeadsetAccess
from lvs.services.headset.positions import OPEN, PLAY, Positions
from lvs.services.media.projection import by_person

VERSION = "heresphere-json-version"
PASSWORD = "correct horse"


async def films(home: Home, *names: str) -> list[str]:
    """Media hashes of new videos."""
    for name in names:
        home.add(name)
    await home.scan()
    await home.probed()
    return [(await home.video(name)).media_hash for name in names]


async def post(home: Home, path: str, body: Any = None) -> Response:
    """Post as a player does: JSON without a content type, or nothing at all."""
    data = b"" if body is None else json.dumps(body).encode()
    answer: Response = await home.client.post(path, data=data)
    return answer


async def read(home: Home, path: str, body: Any = None) -> Any:
    answer = await post(home, path, body)
    assert answer.status_code == 200, await answer.get_data()
    return json.loads(await answer.get_data())


def own_tags(item: dict[str, Any]) -> list[str]:
    return [tag["name"][4:] for tag in item["tags"] if tag["name"].startswith("Tag:")]


async def test_every_answer_says_the_version_by_every_method_and_spelling(home: Home) -> None:
    [film] = await films(home, "a.mp4")
    for path in ("", "/scan", "/auth", f"/{film}", f"/events/{film}"):
        for slash in ("", "/"):
            for method in ("HEAD", "GET", "POST"):
                answer = await home.client.open(f"/heresphere{path}{slash}", method=method)  # type: ignore[call-arg]
                assert answer.status_code == 200, (path, slash, method)
                assert answer.headers[VERSION] == "1"
    missing = await home.client.get("/heresphere/0123456789abcdef")
    assert (missing.status_code, missing.headers[VERSION]) == (404, "1")
    assert (await home.client.get("/heresphere/nonsense")).headers[VERSION] == "1"
    assert VERSION not in (await home.client.get("/")).headers


async def test_the_library_has_sections_with_stable_absolute_addresses(home: Home) -> None:
    one, two = await films(home, "a.mp4", "b.mp4")
    await home.services.favorites.set(one, True, "me")
    await home.services.ratings.rate(two, 5, "me")
    await home.services.projections.choose(two, by_person("equirect180", "sbs"), "me")
    found = await read(home, "/heresphere")
    assert found["access"] == 1
    sections = {section["name"]: section["list"] for section in found["library"]}
    base = "http://localhost/heresphere"
    assert sections["Favorites"] == [f"{base}/{one}"]
    assert sections["Top rated"] == [f"{base}/{two}"]
    assert sections["Unrated"] == [f"{base}/{one}"]
    assert sections["VR"] == [f"{base}/{two}"]
    assert sections["Everything"] == [f"{base}/{one}", f"{base}/{two}"]
    await home.scan()
    assert await read(home, "/heresphere") == found


async def test_scan_tells_of_every_film_in_the_library(home: Home) -> None:
    one, two = await films(home, "a.mp4", "b.mp4")
    await home.services.ratings.rate(one, 4, "me")
    await home.services.tags.add(one, "alps", "me")
    data = (await read(home, "/heresphere/scan"))["scanData"]
    index = await read(home, "/heresphere")
    linked = {link for section in index["library"] for link in section["list"]}
    assert {entry["link"] for entry in data} == linked
    entry = next(entry for entry in data if entry["link"].endswith(one))
    assert (entry["rating"], entry["tags"]) == (4, [{"name": "Tag:alps"}])
    assert entry["duration"] > 0
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", entry["dateAdded"]) for entry in data)
    assert two in json.dumps(data)


async def test_a_film_is_told_with_its_shape_media_and_picture(home: Home) -> None:
    home.add("Summer/alps.en.srt", b"1\n00:00:01,000 --> 00:00:02,000\nHello\n")
    home.add("Summer/alps.funscript", b'{"actions": []}')
    [film] = await films(home, "Summer/alps.mp4")
    await home.services.projections.choose(film, by_person("fisheye", "sbs", True, 190), "me")
    item = await read(home, f"/heresphere/{film}")
    assert item["projection"] == "fisheye"
    assert (item["stereo"], item["isEyeSwapped"]) == ("sbs", True)
    assert (item["fov"], item["lens"]) == (190.0, "Linear")
    assert {"name": "Folder:Summer"} in item["tags"]
    [source] = item["media"][0]["sources"]
    assert source["url"] == "http://localhost/video/Summer/alps.mp4"
    assert (await home.client.get("/video/Summer/alps.mp4")).status_code == 200
    assert ".jpg" in item["thumbnailImage"]
    picture = await home.client.get(item["thumbnailImage"].removeprefix("http://localhost"))
    assert picture.headers["content-type"] == "image/jpeg"
    [subtitle] = item["subtitles"]
    answer = await home.client.get(subtitle["url"].removeprefix("http://localhost"))
    assert b"Hello" in await answer.get_data()
    [script] = item["scripts"]
    answer = await home.client.get(script["url"].removeprefix("http://localhost"))
    assert json.loads(await answer.get_data()) == {"actions": []}
    assert item["eventServer"] == f"http://localhost/heresphere/events/{film}"
    without = await read(home, f"/heresphere/{film}", {"needsMediaSource": False})
    assert "media" not in without


async def test_chapters_stand_on_the_time_line_of_both_players(home: Home, tmp_path: Path) -> None:
    source, film = tmp_path / "source.mp4", home.library / "crossing.mkv"
    make_video(source, seconds=4)
    name_chapters(source, film, ((0, 2000, "Out"), (2000, 4000, "Home")))
    os.utime(film, ns=(OLD_NS, OLD_NS))
    await home.scan()
    await home.probed()
    media_hash = (await home.video(film.name)).media_hash
    item = await read(home, f"/heresphere/{media_hash}")
    assert [tag for tag in item["tags"] if tag.get("track") == 0] == [
        {"name": "Out", "start": 0, "end": 2000, "track": 0},
        {"name": "Home", "start": 2000, "end": 4000, "track": 0},
    ]
    item = await read(home, f"/deovr/{media_hash}")
    assert item["timeStamps"] == [{"ts": 0, "name": "Out"}, {"ts": 2, "name": "Home"}]


async def test_other_files_of_a_film_are_further_sources(home: Home) -> None:
    content = home.add("a.mp4").read_bytes()
    home.add("copies/b.mp4", content)
    await films(home)
    film = (await home.video("a.mp4")).media_hash
    media = (await read(home, f"/heresphere/{film}"))["media"]
    assert [each["name"] for each in media] == ["direct", "copies/b.mp4"]
    for each in media:
        address = each["sources"][0]["url"].removeprefix("http://localhost")
        answer = await home.client.get(address)
        assert await answer.get_data(as_text=False) == content


async def test_a_shape_that_is_not_sure_is_left_to_the_player(home: Home) -> None:
    [film] = await films(home, "a.mp4")
    item = await read(home, f"/heresphere/{film}")
    assert not {"projection", "stereo", "fov", "lens"} & set(item)


@pytest.mark.parametrize(
    ("sent", "stars"),
    [(5, 5), (4.5, 5), (4.4, 4), (3.5, 4), (0.5, 1), (1, 1), (0, None), (1e300, 5), (-3, None)],
)
async def test_stars_are_written_in_whole_ones(home: Home, sent: float, stars: int | None) -> None:
    [film] = await films(home, "a.mp4")
    await home.services.ratings.rate(film, 2, "me")
    item = await read(home, f"/heresphere/{film}", {"rating": sent})
    assert (await home.services.ratings.get(film)).value == stars
    assert item["rating"] == (stars or 0)


async def test_heart_and_tags_are_written_through_the_journal(home: Home) -> None:
    [film] = await films(home, "a.mp4")
    await home.services.tags.add(film, "alps", "me")
    await home.services.tags.add(film, "old", "me")
    item = await read(home, f"/heresphere/{film}")
    tags = [tag for tag in item["tags"] if tag["name"] != "Tag:old"] + [{"name": "snow"}]
    item = await read(home, f"/heresphere/{film}", {"tags": tags, "isFavorite": True})
    assert own_tags(item) == ["alps", "snow"]
    assert item["isFavorite"]
    assert await home.services.tags.get(film) == ("alps", "snow")
    entries, _ = await home.services.journal.page(ChangeFilter())
    assert [(entry.change.what, entry.change.old, entry.change.new) for entry in entries[:3]] == [
        ("tag", None, "snow"),
        ("tag", "old", None),
        ("favorite", "0", "1"),
    ]
    client = entries[0].change.client
    preview = await home.services.journal.preview(client, 0)
    assert preview.kinds == {"tag": 2, "favorite": 1}
    form = {"client": client, "since": "0", "up_to": str(entries[0].change.id)}
    assert (await home.client.post("/admin/changes/undo", form=form)).status_code == 303
    item = await read(home, f"/heresphere/{film}")
    assert (own_tags(item), item["isFavorite"]) == (["alps", "old"], False)


async def test_an_echo_changes_nothing(home: Home) -> None:
    [film] = await films(home, "Summer/a.mp4")
    await home.services.tags.add(film, "alps", "me")
    await home.services.ratings.rate(film, 4, "me")
    await home.services.views.count(film, "me")
    before = (await home.services.journal.page(ChangeFilter()))[0][0].change.id
    item = await read(home, f"/heresphere/{film}")
    names = {tag["name"] for tag in item["tags"]}
    assert {"Folder:Summer", "Views:1", "Rating:4", "Tag:alps"} <= names
    chapter = {"name": "Chapter one", "start": 0, "end": 61000, "track": 0}
    for _ in range(3):
        await read(home, f"/heresphere/{film}", {"tags": [*item["tags"], chapter]})
    assert (await home.services.journal.page(ChangeFilter()))[0][0].change.id == before


async def test_taking_the_stars_tag_away_clears_the_stars(home: Home) -> None:
    [film] = await films(home, "a.mp4")
    await home.services.ratings.rate(film, 4, "me")
    item = await read(home, f"/heresphere/{film}")
    tags = [tag for tag in item["tags"] if not tag["name"].startswith("Rating:")]
    assert (await read(home, f"/heresphere/{film}", {"tags": tags}))["rating"] == 0


async def test_an_older_list_does_not_clear_stars_that_were_given_since(home: Home) -> None:
    [film] = await films(home, "a.mp4")
    item = await read(home, f"/heresphere/{film}")
    await home.services.ratings.rate(film, 4, "the sofa")
    await home.services.tags.add(film, "sofa", "the sofa")
    await read(home, f"/heresphere/{film}", {"tags": [*item["tags"], {"name": "headset"}]})
    assert (await home.services.ratings.get(film)).value == 4
    assert await home.services.tags.get(film) == ("headset", "sofa")


async def test_two_lists_at_once_lose_no_tag(home: Home) -> None:
    [film] = await films(home, "a.mp4")
    await home.services.tags.add(film, "alps", "me")
    item = await read(home, f"/heresphere/{film}")
    lists = [[*item["tags"], {"name": name}] for name in ("one", "two", "one")]
    answers = await asyncio.gather(
        *(post(home, f"/heresphere/{film}", {"tags": tags}) for tags in lists)
    )
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert set(await home.services.tags.get(film)) == {"alps", "one", "two"}


async def test_delete_is_always_passed_over(home: Home) -> None:
    [film] = await films(home, "a.mp4")
    await read(home, f"/heresphere/{film}", {"deleteFile": True})
    assert (home.library / "a.mp4").is_file()
    assert await home.titles() == ["a"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 10_000,
        b'{"rating": "five"}',
        b'{"rating": NaN}',
        b'{"rating": true}',
        b'{"isFavorite": 1}',
        b'{"tags": "alps"}',
        b'{"tags": [1, null, [], {}, {"name": 3}, {"name": ""}, {"name": "Tag:"}]}',
        b'{"tags": [{"name": "a\\u0000b"}, {"name": "\\ud800"}]}',
        b'{"username": 1, "password": []}',
    ],
)
async def test_bad_bodies_are_answered_and_change_nothing(home: Home, body: bytes) -> None:
    [film] = await films(home, "a.mp4")
    for path in ("", "/scan", f"/{film}", f"/events/{film}", "/auth"):
        assert (await home.client.post(f"/heresphere{path}", data=body)).status_code == 200
    assert (await home.services.journal.page(ChangeFilter()))[0] == []


async def test_ten_thousand_tags_cost_none_that_is_there(home: Home) -> None:
    [film] = await films(home, "a.mp4")
    await home.services.tags.add(film, "alps", "me")
    tags = [{"name": f"t{number}"} for number in range(10_000)]
    answer = await post(home, f"/heresphere/{film}", {"tags": [{"name": "Tag:alps"}, *tags]})
    assert answer.status_code == 413
    assert answer.headers[VERSION] == "1"
    tags = [{"name": f"t{number}"} for number in range(2_500)]
    item = await read(home, f"/heresphere/{film}", {"tags": [{"name": "Tag:alps"}, *tags]})
    assert len(own_tags(item)) == 200
    assert "alps" in own_tags(item)


async def test_a_player_writes_only_what_it_may(tmp_path: Any) -> None:
    async with Home(tmp_path, headset_writes="favorite") as home:
        [film] = await films(home, "a.mp4")
        body = {"rating": 5, "isFavorite": True, "tags": [{"name": "snow"}]}
        item = await read(home, f"/heresphere/{film}", body)
        assert (item["rating"], item["isFavorite"], own_tags(item)) == (0, True, [])
        assert (item["writeRating"], item["writeFavorite"], item["writeTags"]) == (
            False,
            True,
            False,
        )


async def test_a_play_is_counted_once_for_each_opening(home: Home) -> None:
    [film] = await films(home, "a.mp4")
    url = f"/heresphere/events/{film}"
    for event in (0, 1, 1, 2, 1, 3):
        answer = await post(home, url, {"event": event, "time": 61000.0})
        assert (answer.status_code, await answer.get_data()) == (200, b"{}")
    assert await home.services.views.get(film) == 1
    events: list[dict[str, Any]] = [
        {},
        {"event": 1, "time": 1e308},
        {"event": "x"},
        {"event": 99},
        {"time": []},
    ]
    for body in events:
        assert (await post(home, url, body)).status_code == 200
    assert await home.services.views.get(film) == 2


async def test_an_event_without_a_time_leaves_the_position(home: Home) -> None:
    [film] = await films(home, "a.mp4")
    url = f"/heresphere/events/{film}"
    bodies: list[dict[str, Any]] = [
        {"event": 1, "time": 250.0},
        {"event": 2},
        {"event": 1, "time": None},
        {"event": 3, "time": "0"},
    ]
    for body in bodies:
        assert (await post(home, url, body)).status_code == 200
        assert await home.services.progress.position_s(film) == 0.25
    await post(home, url, {"event": 1, "time": 0})
    assert await home.services.progress.position_s(film) is None


async def test_a_flood_of_plays_is_counted_up_to_a_limit(home: Home) -> None:
    [film] = await films(home, "a.mp4")
    video = await home.services.videos.get(film)
    positions = Positions(home.services.views, plays=RateLimit(3, 3600))
    for event in (OPEN, PLAY) * 5:
        await positions.event(video, event, None, "10.0.0.1")
    assert await home.services.views.get(film) == 3
    await positions.event(video, PLAY, None, "10.0.0.2")
    assert await home.services.views.get(film) == 4


async def test_reads_by_post_are_no_writes(tmp_path: Any) -> None:
    async with Home(tmp_path, writes_limit="5/60") as home:
        [film] = await films(home, "a.mp4")
        for _ in range(300):
            assert (await post(home, f"/heresphere/{film}")).status_code == 200
        codes = [
            (await post(home, f"/heresphere/{film}", {"isFavorite": True})).status_code
            for _ in range(7)
        ]
        assert codes == [200] * 5 + [429] * 2


async def test_a_list_that_did_not_change_is_not_sent_again(home: Home) -> None:
    [film] = await films(home, "a.mp4")
    for path in ("/heresphere", "/heresphere/scan", "/deovr"):
        first = await home.client.get(path)
        again = await home.client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 304
    await home.services.ratings.rate(film, 4, "me")
    for path in ("/heresphere", "/heresphere/scan"):
        again = await home.client.get(path, headers={"If-None-Match": first.headers["etag"]})
        assert again.status_code == 200


async def test_only_vr_where_the_household_wants_that(tmp_path: Any) -> None:
    async with Home(tmp_path, headset_library="vr") as home:
        one, two = await films(home, "a.mp4", "b.mp4")
        await home.services.projections.choose(two, by_person("equirect360", "mono"), "me")
        found = json.dumps(await read(home, "/heresphere"))
        assert two in found
        assert one not in found
        assert (await read(home, f"/heresphere/{one}"))["access"] == 1


async def test_a_wrong_password_is_an_answer_and_a_right_one_opens(tmp_path: Any) -> None:
    async with Home(tmp_path, password=PASSWORD) as home:
        [film] = await films(home, "a.mp4")
        for body in (None, {"username": "x", "password": "wrong"}):
            refused = await read(home, "/heresphere", body)
            assert refused == {"access": -1, "library": [{"name": "Login failed", "list": []}]}
            assert (await read(home, "/heresphere/scan", body))["access"] == -1
            item = await read(home, f"/heresphere/{film}", {**(body or {}), "rating": 5})
            assert item["access"] == -1
            assert "media" not in item
        assert (await home.services.ratings.get(film)).value is None
        right = {"username": "x", "password": PASSWORD}
        assert (await read(home, "/heresphere", right))["access"] == 1
        item = await read(home, f"/heresphere/{film}", {**right, "rating": 5})
        assert item["rating"] == 5
        session = (await read(home, "/heresphere/auth", right))["auth-token"]
        answer = await home.client.post("/heresphere", headers={"auth-token": session})
        assert json.loads(await answer.get_data())["access"] == 1


async def test_a_film_of_an_old_format_comes_converted_too_with_one_key_to_all_of_it(
    tmp_path: Any,
) -> None:
    kinds = {"old.avi": ("mpeg4", 2), "other.avi": ("mpeg4", 3), "new.mp4": ("libx264", 2)}
    for name, (codec, seconds) in kinds.items():
        size = (96, 64)
        make_video(tmp_path / name, seconds=seconds, size=size, video_codec=codec, sound=True)
    async with Home(tmp_path / "house", password=PASSWORD) as home:
        for name in kinds:
            home.add(name, (tmp_path / name).read_bytes())
        await home.scan()
        await home.probed()
        old, other, new = [(await home.video(name)).media_hash for name in kinds]
        asked = {"password": PASSWORD}
        item = await read(home, f"/heresphere/{old}", asked)
        assert [each["name"] for each in item["media"]] == ["direct", "converted"]
        assert len((await read(home, f"/heresphere/{new}", asked))["media"]) == 1
        [source] = item["media"][1]["sources"]
        assert (source["width"], source["height"]) == (96, 64)
        encodings = (await read(home, f"/deovr/{old}", asked))["encodings"]
        assert encodings[1]["videoSources"][0]["url"] == source["url"]

        async def fetched(address: str) -> tuple[int, str]:
            answer = await home.client.get(address)
            content = await answer.get_data(as_text=False)
            return answer.status_code, content.decode("utf-8", "replace")

        async def named_in(address: str) -> list[str]:
            content = (await fetched(address))[1]
            return [urljoin(address, each) for each in re.findall(r'[^\s"]+\?key=[^\s"]+', content)]

        master = source["url"].removeprefix("http://localhost")
        [index] = await named_in(master)
        pieces = await named_in(index)
        assert len(pieces) >= 2
        for address in (master, index, *pieces):
            assert (await fetched(address))[0] == 200
            assert (await fetched(address.partition("?")[0]))[0] == 401
        stranger = home.services.playback.address(await home.video("other.avi"))
        assert other in stranger
        assert (await fetched(f"{stranger}?{master.partition('?')[2]}"))[0] == 401


async def test_media_addresses_carry_a_key_to_that_one_film(tmp_path: Any) -> None:
    async with Home(tmp_path, password=PASSWORD) as home:
        one, _ = await films(home, "a b.mp4", "c.mp4")
        item = await read(home, f"/heresphere/{one}", {"password": PASSWORD})
        video = item["media"][0]["sources"][0]["url"].removeprefix("http://localhost")
        poster = item["thumbnailImage"].removeprefix("http://localhost")
        for url in (video, poster):
            assert (await home.client.get(url)).status_code == 200
            assert (await home.client.get(url.partition("?")[0])).status_code == 401
            assert (await home.client.post(url)).status_code in (401, 405)
        key = video.partition("key=")[2]
        assert (await home.client.get(f"/video/c.mp4?key={key}")).status_code == 401
        assert (await home.client.get(f"/watch/a%20b.mp4?key={key}")).status_code in (303, 401)
        ends, _, signed = key.partition(".")
        late = f"/video/a%20b.mp4?key={int(ends) + 86400}.{signed}"
        assert (await home.client.get(late)).status_code == 401
        assert "key=" not in item["eventServer"]


async def test_a_key_that_has_ended_is_like_none(tmp_path: Any) -> None:
    """The answer says nothing of the film; a key of yesterday still opens it."""
    async with Home(tmp_path, password=PASSWORD) as home:
        for name in ("a b.en.srt", "a b.funscript"):
            home.add(name, b"1\n00:00:01,000 --> 00:00:02,000\nHello\n")
        [film] = await films(home, "a b.mp4")
        item = await read(home, f"/heresphere/{film}", {"password": PASSWORD})
        scene = await read(home, f"/deovr/{film}", {"password": PASSWORD})
        media = [source["url"] for each in item["media"] for source in each["sources"]]
        media += [each["url"] for each in item["subtitles"] + item["scripts"]]
        media += [item["thumbnailImage"], scene["thumbnailUrl"]]
        media += [each["url"] for each in scene["encodings"][0]["videoSources"]]
        passwords = home.services.passwords

        def with_key_of(days_ago: int, url: str) -> str:
            made = HeadsetAccess(passwords, lambda: time.time() - days_ago * DAY_S)
            path = url.partition("?")[0].removeprefix("http://localhost")
            return f"{url.partition('key=')[0]}key={made.key(path)}".removeprefix(
                "http://localhost"
            )

        async def answered(url: str) -> tuple[int, bytes]:
            answer = await home.client.get(url)
            return answer.status_code, await answer.get_data(as_text=False)

        assert len(media) >= 6
        for url in media:
            assert "key=" in url
            assert (await answered(with_key_of(1, url)))[0] == 200
            ended = await answered(with_key_of(2, url))
            assert ended[0] == 401
            wrong = with_key_of(2, url)[:-1] + "x"
            unknown = await answered(wrong)
            assert _same_for_all(ended[1], with_key_of(2, url)) == _same_for_all(unknown[1], wrong)


def _same_for_all(page: bytes, url: str) -> bytes:
    """An error page without the number of its request and the key that was sent."""
    page = page.replace(url.partition("key=")[2].encode(), b"")
    return re.sub(rb"request [0-9a-f]{12}", b"request", page)


async def test_a_token_in_the_path_opens_too(tmp_path: Any) -> None:
    from lvs.services.auth import AccessFile

    async with Home(tmp_path, password=PASSWORD) as home:
        [film] = await films(home, "a.mp4")
        token = AccessFile(home.data).add_token("quest")
        home.services.passwords._checked_at = 0
        found = await read(home, f"/heresphere/as/{token}")
        assert found["access"] == 1
        link = found["library"][0]["list"][0]
        assert link == f"http://localhost/heresphere/as/{token}/{film}"
        assert (await read(home, link.removeprefix("http://localhost")))["access"] == 1
        assert (await read(home, "/heresphere/as/wrong"))["access"] == -1


async def test_deovr_reads_the_library_and_a_film(home: Home) -> None:
    [film] = await films(home, "a.mp4")
    await home.services.projections.choose(
        film, by_person("fisheye", "sbs", False, None, "MKX200"), "me"
    )
    await home.services.tags.add(film, "alps", "me")
    for path in ("/deovr", "/deovr/"):
        found = await read(home, path)
    assert found["authorized"] == "1"
    scene = next(scene for scene in found["scenes"] if scene["name"] == "Everything")
    assert scene["list"][0]["video_url"] == f"http://localhost/deovr/{film}"
    assert ".jpg" in scene["list"][0]["thumbnailUrl"]
    item = await read(home, f"/deovr/{film}")
    assert (item["screenType"], item["stereoMode"], item["is3d"]) == ("mkx200", "sbs", True)
    assert item["categories"][0]["tag"]["name"] == "alps"
    source = item["encodings"][0]["videoSources"][0]
    assert source["url"] == "http://localhost/video/a.mp4"
    assert isinstance(item["date"], int)


async def test_deovr_is_refused_in_its_own_words(tmp_path: Any) -> None:
    async with Home(tmp_path, password=PASSWORD) as home:
        [film] = await films(home, "a.mp4")
        assert (await read(home, "/deovr"))["authorized"] == "-1"
        assert (await read(home, f"/deovr/{film}"))["authorized"] == "-1"
        form = {"login": "x", "password": PASSWORD}
        answer = await home.client.post("/deovr", form=form)
        assert json.loads(await answer.get_data())["authorized"] == "1"


async def test_a_body_sent_with_a_get_is_not_waited_for(home: Home) -> None:
    await films(home, "film.mp4")
    body = b'{"username": "x"}'
    async with Wire(home.app) as wire:
        for path in ("/heresphere", "/heresphere/auth"):
            head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            answer = await wire.send(head.encode() + body)
            assert answer.status == 200
