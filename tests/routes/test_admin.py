"""The operator's pages: work, duplicates, unreadable files, usage, storage, log, exports; with
JavaScript and without.
"""

import asyncio
import csv
import io
import json
import os
import re
from pathlib import Path

import pytest
from quart import Response
from support.home import Home, distinct_video

from lvs.db import gallery
from lvs.db.changes import ChangeFilter
from lvs.models import Query
from lvs.services.monitoring import log_tail

HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}
PAGES = (
    "/admin/jobs",
    "/admin/changes",
    "/admin/missing",
    "/admin/bin",
    "/admin/duplicates",
    "/admin/unreadable",
    "/admin/usage",
    "/admin/storage",
    "/admin/log",
    "/admin/posters",
    "/admin/dates",
)


async def text(response: Response) -> str:
    return (await response.get_data(as_text=False)).decode()


async def get(home: Home, address: str) -> str:
    answer = await home.client.get(address)
    assert answer.status_code == 200, address
    return await text(answer)


@pytest.mark.parametrize("address", PAGES)
async def test_every_page_is_whole_empty_and_with_hostile_names(home: Home, address: str) -> None:
    await get(home, address)
    content = distinct_video()
    for name in (
        '<script>alert(1)</script>"&.mp4',
        "عنوان/日本 🎬.mp4",
        "x" * 200 + ".mp4",
        "copies/a.mp4",
    ):
        home.add(name, content if "copies" in name or "script" in name else None)
    home.add(b"latin \xe9.mp4")
    home.add("<i>broken</i>.mp4", b"no film")
    await home.scan()
    await home.probed()
    for card in (await home.services.gallery.browse(Query())).cards:
        await home.services.ratings.rate(card.media_hash, 3, "<b>client</b>")
        await home.services.tags.add(card.media_hash, "<script>tag</script>", "x")
        await home.services.views.count(card.media_hash, "x")
    (home.library / '<script>alert(1)</script>"&.mp4').unlink()
    (home.library / "copies/a.mp4").unlink()
    await home.scan()
    page = await get(home, address)
    assert "<script>alert" not in page
    assert "<script>tag" not in page
    assert "<i>broken" not in page
    assert "<b>client" not in page
    assert not re.search(r'\sstyle="|\son[a-z]+="', page)
    assert len(re.findall(r'<a class="button" href="[^"]*" aria-current="page"', page)) == 1


# --- Work ---


async def test_a_probe_is_stopped_and_begun_again_and_others_come_first(home: Home) -> None:
    jobs, turns = home.services.jobs, home.services.probe_pool._turns
    await (
        turns.acquire()
    )  # the only worker is taken: the first look waits for it, and the others behind that
    for number in range(6):
        home.add(f"film {number}.mp4")
    await home.scan()
    await home.until(lambda: jobs.running == 1 and jobs.queued == 5)
    page = await get(home, "/admin/jobs")
    assert "Running (1)" in page
    assert "Queued (5)" in page
    in_line = [video_id for video_id, _ in jobs.in_line()]
    running = jobs.under_way()[0].video_id

    answer = await home.client.post(f"/admin/jobs/{in_line[-1]}/first", headers=HTMX)
    assert 'id="admin-jobs"' in await text(answer)
    assert jobs.in_line()[0] == (in_line[-1], True)
    answer = await home.client.post(f"/admin/jobs/{in_line[1]}/stop")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/jobs")
    assert (await home.client.post(f"/admin/jobs/{in_line[1]}/stop")).status_code == 409
    await home.client.post(f"/admin/jobs/{running}/stop")  # the one that is being probed
    await home.until(lambda: bool(jobs.running) and jobs.under_way()[0].video_id == in_line[-1])
    assert jobs.stopped() == [running, in_line[1]]
    assert "Stopped (2)" in await get(home, "/admin/jobs?state=stopped")
    page = await get(home, "/admin/jobs?state=waiting&q=film+3")
    assert not re.search(r"<a[^>]*>film [^3]</a>", page)

    turns.release()
    await home.until(lambda: not (jobs.queued or jobs.running))
    assert jobs.tally.done == 4
    sweeps = jobs.sweeps_done
    jobs._sweep_again.set()
    await home.until(lambda: jobs.sweeps_done > sweeps)
    assert (jobs.tally.done, jobs.queued, jobs.running, jobs.remaining) == (
        4,
        0,
        0,
        0,
    )  # they are left alone
    await home.client.post(f"/admin/jobs/{running}/again")
    await home.until(lambda: jobs.tally.done == 5)
    assert jobs.stopped() == [in_line[1]]


async def test_failed_jobs_are_listed_with_their_reason_and_retried(home: Home) -> None:
    home.add("film.mp4")
    jobs, probe_pool = home.services.jobs, home.services.probe_pool
    limit, probe_pool._time_limit_s = (
        probe_pool._time_limit_s,
        0.0001,
    )  # so little that no look can be done in it
    await home.scan()
    await home.until(lambda: jobs.tally.failed > 0)
    page = await get(home, "/admin/jobs?state=failed")
    assert "took longer than" in page
    assert "will be retried" in page
    probe_pool._time_limit_s = limit
    video = await home.video("film.mp4")
    await home.client.post(f"/admin/jobs/{video.id}/again")
    await home.until(lambda: jobs.tally.done == 1)

    async def stands_there_no_more() -> bool:
        return "took longer than" not in await get(home, "/admin/jobs?state=failed")

    await home.until(stands_there_no_more)


async def test_the_buttons_begin_work_and_say_how_it_ended(home: Home) -> None:
    home.add("film.mp4")
    answer = await home.client.post("/admin/errands/scan", headers=HTMX)
    assert "hx-trigger" not in (done := await text(answer))
    assert "1 file seen, 1 new." in done
    assert await home.titles() == ["film"]
    answer = await home.client.post("/admin/errands/backup")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/jobs")
    await home.services.background_tasks.wait_briefly("backup", 30)
    made = (await home.services.backups.state()).newest
    assert made
    page = await get(home, "/admin/jobs")
    assert made.path.name in page
    assert "it holds 1 videos" in page or "it holds 1 video" in page
    await home.services.ratings.get((await home.video("film.mp4")).media_hash)
    assert "cleared" in await text(await home.client.post("/admin/errands/cache", headers=HTMX))
    assert home.services.cache.status()["size"] == 0


async def test_a_backup_that_fails_says_so(home: Home) -> None:
    home.add("film.mp4")
    await home.scan()
    (home.data / "backups").write_text("in the way")
    await home.client.post("/admin/errands/backup")
    await home.services.background_tasks.wait_briefly("backup", 30)
    task = home.services.background_tasks.latest("backup")
    assert task
    assert task.failed
    assert task.message in (await get(home, "/admin/jobs")).replace("&#39;", "'")


async def test_the_same_work_is_not_begun_twice_at_once(home: Home) -> None:
    release = asyncio.Event()

    async def work(_: object) -> str:
        await release.wait()
        return "Done."

    home.services.background_tasks.start("scan", "Scan the library", work)
    answer = await home.client.post("/admin/errands/scan")
    assert answer.status_code == 409
    assert "already running" in await text(answer)
    polled = await home.client.get("/admin/errands/scan", headers=HTMX)
    assert 'hx-trigger="every 1s"' in await text(polled)
    assert '<meta http-equiv="refresh"' in await get(home, "/admin/jobs")
    release.set()
    await home.services.background_tasks.wait_briefly("scan", 30)
    polled = await home.client.get("/admin/errands/scan", headers=HTMX)
    assert (polled.headers["HX-Trigger"], "hx-trigger" in await text(polled)) == (
        "jobs:changed",
        False,
    )


async def test_work_that_is_under_way_ends_with_the_server(tmp_path: Path) -> None:
    async with Home(tmp_path) as home:
        task = home.services.background_tasks.start(
            "scan", "Scan", lambda _: asyncio.sleep(3600, "never")
        )
    assert task.failed
    assert not task.running


async def test_posters_of_a_selection_are_made_again(home: Home) -> None:
    for name in ("a/one.mp4", "a/two.mp4", "b/three.mp4"):
        home.add(name)
    await home.scan()
    await home.probed()
    store = home.services.posters
    videos = {name: await home.video(name) for name in ("a/one.mp4", "b/three.mp4")}
    pictures = {name: store.path(video.poster or "", 320, "webp") for name, video in videos.items()}
    for picture in pictures.values():
        picture.unlink()
    page = await get(home, "/admin/posters?folder=a")
    assert "Remake 2 posters" in page
    action = re.search(r'action="(/admin/errands/posters\?folder=a)"', page)
    assert action
    assert (await home.client.post(action[1])).status_code == 303
    await home.services.background_tasks.wait_briefly("posters", 30)
    task = home.services.background_tasks.latest("posters")
    assert task
    assert task.message == "2 videos analysed."
    assert (pictures["a/one.mp4"].exists(), pictures["b/three.mp4"].exists()) == (True, False)


# --- Duplicates ---


async def test_duplicates_stand_side_by_side_and_one_is_chosen_to_be_played(home: Home) -> None:
    content = distinct_video()
    home.add("first.mp4", content)
    await home.scan()
    home.add("copies/second.mp4", content)
    home.add("single.mp4")
    await home.scan()
    page = await get(home, "/admin/duplicates")
    assert "first.mp4" in page
    assert "copies/second.mp4" in page
    assert "single" not in page
    assert page.count("</svg>plays") == 1
    [duplicate] = (await home.services.duplicates.page())[0]
    second = next(copy for copy in duplicate.copies if copy.path == b"copies/second.mp4")
    address = f"/admin/duplicates/{duplicate.id}/play"
    assert (await home.client.post(address, form={"file": str(second.file_id)})).status_code == 303
    assert await home.titles() == ["second", "single"]
    [card] = [
        card
        for card in (await home.services.gallery.browse(Query())).cards
        if card.id == duplicate.id
    ]
    assert card.path == b"copies/second.mp4"
    answer = await home.client.get(f"/v/{duplicate.media_hash}")
    assert answer.headers["Location"] == "/watch/copies/second.mp4"
    (home.library / "copies/second.mp4").unlink()
    await home.scan()
    answer = await home.client.get(f"/v/{duplicate.media_hash}")
    assert answer.headers["Location"] == "/watch/first.mp4"
    assert (await home.client.post(address, form={"file": str(second.file_id)})).status_code == 404
    assert (home.library / "first.mp4").exists()


# --- Unreadable files ---


async def test_unreadable_files_are_listed_by_reason_and_tried_again(home: Home) -> None:
    home.add("text.mp4", b"this is no film at all")
    home.add("empty.mp4", b"")
    home.add("more/empty too.mkv", b"")
    home.add("good.mp4")
    await home.scan()
    await home.probed()
    answer = await home.client.get("/unreadable")
    assert (answer.status_code, answer.headers["Location"]) == (301, "/admin/unreadable")
    page = await get(home, "/admin/unreadable")
    assert "text.mp4" in page
    assert "good" not in page
    empty = (await home.video("empty.mp4")).reason
    link = re.search(
        r'<a class="chip" href="(/admin/unreadable\?reason=[^"]*)"><bdi>The file is empty', page
    )
    assert link
    assert empty
    assert "text.mp4" not in await get(home, link[1])
    jobs = home.services.jobs
    looks = jobs.tally.unreadable
    answer = await home.client.post("/admin/unreadable/again", form={"reason": empty})
    assert answer.status_code == 303
    await home.until(lambda: jobs.tally.unreadable > looks)
    await home.probed()
    assert "will be analysed again" in await get(home, answer.headers["Location"])
    # A file that has become a film, without anybody noticing the change, is one after "try again".
    (home.library / "text.mp4").write_bytes(distinct_video())
    os.utime(home.library / "text.mp4", ns=(1_700_000_000_000_000_000,) * 2)
    video = await home.video("text.mp4")
    await home.client.post("/admin/unreadable/again", form={"id": str(video.id)})

    async def is_a_film() -> bool:
        return "text" in await home.titles()

    await home.until(is_a_film)
    assert (await home.client.post("/admin/unreadable/again")).status_code == 303  # all of them


# --- Usage and storage ---


async def test_usage_counts_what_was_done(home: Home) -> None:
    hashes = []
    for number in range(4):
        home.add(f"film {number}.mp4")
    await home.scan()
    for number in range(4):
        hashes.append((await home.video(f"film {number}.mp4")).media_hash)
    for place, media_hash in enumerate(hashes):
        for _ in range(place):
            await home.services.views.count(media_hash, "x")
        await home.services.tags.add(media_hash, "all", "x")
    await home.services.ratings.rate(hashes[0], 5, "x")
    await home.services.tags.add(hashes[0], "one", "x")
    [undone] = (await home.services.journal.page(ChangeFilter(what="view")))[0][:1]
    await home.services.journal.undo(undone.change.id, "x")
    page = await get(home, "/admin/usage")
    assert "5 views in all, 5 of them in the last 30 days." in page
    assert re.search(r'>5 stars</a> <span class="number">1<', page)
    assert re.search(r'>unrated</a> <span class="number">3<', page)
    assert re.search(r'>all</bdi></a> <span class="number">4<', page)
    assert re.findall(r'>film (\d)</bdi></a> <span class="number">(\d)<', page) == [
        ("3", "2"),
        ("2", "2"),
        ("1", "1"),
    ]


async def test_storage_leads_through_the_folders(tmp_path: Path) -> None:
    async with Home(tmp_path, libraries=("One", "Two")) as home:
        for name in ("a/b/deep.mp4", "a/flat.mp4", "top.mp4", "ü & <b>/x.mp4"):
            home.add(name)
        home.add("two.mp4", library=1)
        await home.scan()
        page = await get(home, "/admin/storage")
        assert re.search(r'>One</bdi></a> <span class="number">[^<]*· 4 files', page)
        root = re.search(r'href="(/admin/storage\?root=\d+)"><bdi>One', page)
        assert root
        page = await get(home, root[1])
        assert re.search(r'>a</bdi></a> <span class="number">[^<]*· 2 files', page)
        assert re.search(
            r'directly in this folder</span> <span class="number">[^<]*· 1 file<', page
        )
        link = re.search(r'href="([^"]*folder=a)"', page)
        assert link
        page = await get(home, link[1].replace("&amp;", "&"))
        assert re.search(r'>b</bdi></a> <span class="number">[^<]*· 1 file<', page)
        assert "two" not in re.sub(
            r"<section class=\"tile\" aria-labelledby=\"largest\".*", "", page, flags=re.DOTALL
        )
        assert (await home.client.get(root[1] + "&folder=nothing")).status_code == 404
        assert (await home.client.get("/admin/storage?root=77")).status_code == 404
        assert (await home.client.get("/admin/storage?root=x")).status_code == 400


# --- Log ---


def line(second: int, level: str, words: str) -> str:
    return f"2026-11-22 12:00:{second:02}+0100 {level} lvs.test: {words}"


def test_the_end_of_the_log_is_read_with_tracebacks_and_by_level(tmp_path: Path) -> None:
    lines = [
        line(1, "info", "first"),
        line(2, "error", "bad"),
        "    Traceback",
        "    more",
        line(3, "warning", "hm: so"),
    ]
    (tmp_path / "lvs.log").write_text("\n".join(lines) + "\n")
    found = log_tail.latest(tmp_path)
    assert found
    assert [(entry.level, entry.text) for entry in found] == [
        ("warning", "hm: so"),
        ("error", "bad"),
        ("info", "first"),
    ]
    assert found[1].trace == ("    Traceback", "    more")
    assert [entry.text for entry in log_tail.latest(tmp_path, "error") or []] == ["bad"]
    assert log_tail.latest(tmp_path / "nowhere") is None


def test_only_the_end_of_a_huge_log_is_read(tmp_path: Path) -> None:
    with (tmp_path / "lvs.log").open("wb") as file:
        file.truncate(3 << 30)  # sparse: it takes no room
        file.seek(0, os.SEEK_END)
        file.write(("\n" + line(1, "info", "the last") + "\n" + "x" * 10_000 + "\n").encode())
    assert [entry.text for entry in log_tail.latest(tmp_path) or []] == ["the last"]


def test_a_log_that_was_begun_anew_goes_on_with_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "lvs.log.1").write_text(line(1, "info", "before") + "\n")
    (tmp_path / "lvs.log").write_bytes(
        line(2, "info", "after \udcff").encode("utf-8", "surrogateescape") + b"\n"
    )
    assert [entry.text for entry in log_tail.latest(tmp_path) or []] == ["after \ufffd", "before"]


async def test_the_log_is_followed_and_an_unchanged_one_costs_nothing(home: Home) -> None:
    folder = home.data / "logs"
    folder.mkdir(exist_ok=True)
    (folder / "lvs.log").write_text(line(1, "info", "<b>bold</b>") + "\n")
    assert 'hx-trigger="every 2s"' not in await get(home, "/admin/log")
    page = await get(home, "/admin/log?follow=1")
    assert "&lt;b&gt;bold" in page
    refresh = re.search(r'hx-get="(/admin/log[^"]*)"', page)
    assert refresh
    address = refresh[1].replace("&amp;", "&")
    assert (await home.client.get(address, headers=HTMX)).status_code == 204
    with (folder / "lvs.log").open("a") as file:
        file.write(line(2, "error", "new") + "\n")
    answer = await home.client.get(address, headers=HTMX)
    assert "new" in await text(answer)
    assert "bold" not in await get(home, "/admin/log?level=warning")
    assert (await home.client.get("/admin/log?level=loud")).status_code == 400


# --- Export ---


async def test_a_selection_is_exported_as_the_gallery_shows_it(home: Home) -> None:
    for number in range(12):
        home.add(f"films/film {number:02}.mp4")
    home.add("other.mp4")
    await home.scan()
    for number in range(12):
        media_hash = (await home.video(f"films/film {number:02}.mp4")).media_hash
        await home.services.ratings.rate(media_hash, 1 + number % 5, "x")
        await home.services.tags.add(
            media_hash, "=cmd|' /C calc'!A0" if number == 4 else "alps", "x"
        )
    query = "min_rating=4&sort=title&order=desc"
    wanted = [
        card.media_hash for card in (await home.services.gallery.browse(Query(min_rating=4))).cards
    ]
    answer = await home.client.get(f"/export.json?{query}")
    found = json.loads(await text(answer))["videos"]
    assert [video["path"] for video in found] == [
        f"films/film {number:02}.mp4" for number in (9, 8, 4, 3)
    ]
    assert {video["media_hash"] for video in found} == set(wanted)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="lvs-export.json"'
    answer = await home.client.get(f"/export.csv?{query}")
    rows = list(csv.DictReader(io.StringIO(await text(answer))))
    assert [row["path"] for row in rows] == [video["path"] for video in found]
    assert rows[2]["tags"].startswith("'=")
    assert json.loads(await text(await home.client.get("/export.json?tag=none")))["videos"] == []
    assert (
        len(json.loads(await text(await home.client.get("/export.json?sort=random")))["videos"])
        == 13
    )
    assert (await home.client.get("/export.json?sort=loud")).status_code == 400
    page = await get(home, "/?min_rating=4")
    assert 'href="/export.json?min_rating=4"' in page
    assert 'href="/admin/posters?min_rating=4"' in page


async def test_an_export_longer_than_one_turn_is_whole_and_leaves_the_database_to_others(
    home: Home,
) -> None:
    async with home.services.database.transaction() as tx:
        root_id = await tx.value("SELECT min(id) FROM roots")
        names = [
            (number, f"{number:016x}", f"film {number}", number // 7) for number in range(1, 1301)
        ]
        await tx.run_many(
            "INSERT INTO videos (id, media_hash, title, added_at, shuffle) VALUES (?, ?, ?, ?, 1)",
            names,
        )
        sql = """
            INSERT INTO files (video_id, root_id, path, size_bytes, mtime_ns, fingerprint, oshash)
            VALUES (?, ?, ?, 1, 1, ?, '')
        """
        await tx.run_many(
            sql, [(number, root_id, f"{number}.mp4".encode(), name) for number, name, _, _ in names]
        )
        await gallery.refresh(tx, range(1, 1301))
    turns = home.services.gallery.ids(Query())
    pieces = home.services.selection_export.as_json(turns)
    read = b"".join([await anext(pieces) for _ in range(100)])  # and now the reader rests
    counts = await asyncio.gather(*(home.services.gallery.count(Query()) for _ in range(8)))
    assert counts == [1300] * 8
    read += b"".join([piece async for piece in pieces])
    assert json.loads(read) == json.loads(await text(await home.client.get("/export.json")))
    found = json.loads(read)["videos"]
    assert sorted(video["media_hash"] for video in found) == [
        f"{number:016x}" for number in range(1, 1301)
    ]


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [
        ("GET", "/admin/jobs?state=nonsense", 400),
        ("GET", "/admin/jobs?q=%ff", 400),
        ("POST", "/admin/jobs/x/stop", 400),
        ("POST", "/admin/jobs/7/stop", 404),
        ("POST", "/admin/jobs/99999999999999999999/first", 400),
        ("GET", "/admin/errands/nonsense", 404),
        ("POST", "/admin/errands/nonsense", 404),
        ("POST", "/admin/errands/posters?sort=x", 400),
        ("GET", "/admin/duplicates?after=-1", 400),
        ("POST", "/admin/duplicates/7/play", 404),
        ("POST", "/admin/unreadable/again?x=1", 303),
        ("GET", "/admin/unreadable?after=%C2%B2", 400),
        ("GET", "/admin/posters?min_rating=9", 400),
    ],
)
async def test_nonsense_gets_a_message(home: Home, method: str, address: str, status: int) -> None:
    answer = await (home.client.post(address) if method == "POST" else home.client.get(address))
    assert answer.status_code == status


async def test_a_button_of_another_site_does_nothing(home: Home) -> None:
    for address in (
        "/admin/errands/scan",
        "/admin/missing/forget",
        "/admin/changes/undo",
        "/admin/unreadable/again",
    ):
        answer = await home.client.post(address, headers={"Origin": "http://evil.example"})
        assert answer.status_code == 403, address
