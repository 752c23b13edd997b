"""Sixteen clients change the same and different videos at once over HTTP: what is answered is
there, and counts are exact.
"""

import asyncio
import random
import socket
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import loopback
from support.home import distinct_video
from support.processes import Server

CLIENTS = 16
FILMS = 4


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "Videos"
    folder.mkdir()
    for number in range(FILMS):
        (folder / f"film {number}.mp4").write_bytes(distinct_video())
    return folder


@contextmanager
def served(tmp_path: Path, library: Path) -> Iterator[Server]:
    command = [
        sys.executable,
        "-m",
        "lvs",
        "serve",
        library,
        "--data",
        tmp_path / "data",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
    ]
    settings = {
        "LVS_RATINGS_LIMIT": "0",
        "LVS_WRITES_LIMIT": "0",
        "LVS_SETTLE_SECONDS": "0.2",
        "LVS_WATCH": "off",
        "LVS_THUMBNAIL_WORKERS": "1",
    }
    with Server(command, tmp_path, **settings) as server:
        yield server


async def hashes(http: httpx.AsyncClient) -> list[str]:
    for _ in range(300):
        found = (await http.get("/api/videos", params={"sort": "title", "order": "asc"})).json()[
            "videos"
        ]
        if len(found) == FILMS:
            return [film["media_hash"] for film in found]
        await asyncio.sleep(0.1)
    raise AssertionError("the films were not found")


async def change(http: httpx.AsyncClient, path: str, **form: object) -> None:
    answer = await http.post(path, data=form)
    assert answer.status_code == 303, f"{path} {form}: {answer.text}"


def in_database(data: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(data / "lvs.db")) as database:
        return database.execute(sql).fetchall()


async def test_every_answered_change_of_sixteen_clients_is_there(
    tmp_path: Path, library: Path
) -> None:
    with served(tmp_path, library) as server:
        async with loopback.AsyncClient(base_url=server.address, timeout=60) as http:
            films = await hashes(http)
        tags: dict[tuple[str, str], bool] = {}
        stars: dict[str, set[int]] = {film: set() for film in films}
        views = dict.fromkeys(films, 0)

        async def client(number: int) -> None:
            chance = random.Random(number)
            async with loopback.AsyncClient(base_url=server.address, timeout=60) as http:
                for step in range(20):
                    film = films[step % FILMS]
                    tag = f"of {number} {chance.randrange(3)}"
                    wanted = chance.random() < 0.6
                    await change(http, f"/videos/{film}/tags{'' if wanted else '/remove'}", tag=tag)
                    tags[film, tag] = wanted
                    await change(http, f"/videos/{film}/tags", tag="everyone's")
                    await change(http, f"/videos/{film}/view")
                    views[film] += 1
                    value = chance.randrange(1, 6)
                    await change(http, f"/videos/{film}/rating", value=value)
                    stars[film].add(value)
                    await change(http, f"/videos/{film}/favorite", value=1)

        await asyncio.gather(*map(client, range(CLIENTS)))
        async with loopback.AsyncClient(base_url=server.address, timeout=60) as http:
            for film in films:
                found = (await http.get(f"/api/videos/{film}")).json()
                expected = {
                    tag for (each, tag), wanted in tags.items() if each == film and wanted
                } | {"everyone's"}
                assert set(found["tags"]) == expected
                assert len(found["tags"]) == len(expected)
                assert found["views"] == views[film] == CLIENTS * 5
                assert found["rating"] in stars[film]
                assert found["favorite"] is True
                assert (await http.get("/api/videos", params={"tag": "everyone's"})).json()[
                    "videos"
                ]
        assert "locked" not in server.errors
        assert server.stop() == 0
    data = tmp_path / "data"
    assert in_database(data, "PRAGMA integrity_check") == [("ok",)]
    assert in_database(data, "SELECT count(*) FROM tags WHERE name = 'everyone''s'") == [(1,)]
    assert in_database(
        data, "SELECT count(*) FROM tags WHERE id NOT IN (SELECT tag_id FROM video_tags)"
    ) == [(0,)]
    assert in_database(data, "SELECT count(*) FROM changes WHERE what = 'view'") == [
        (CLIENTS * 20,)
    ]
    # The journal is one chain for each video: what was old is what was new before.
    for (video_id,) in in_database(data, "SELECT id FROM videos"):
        for what in ("rating", "view"):
            sql = (
                f"SELECT old, new FROM changes WHERE what = '{what}' AND video_id = {video_id}"
                " ORDER BY id"
            )
            steps = in_database(data, sql)
            assert all(later[0] == earlier[1] for earlier, later in pairwise(steps))
    # What the gallery shows is what was given.
    sql = """
        SELECT count(*) FROM gallery g JOIN ratings r USING (video_id) JOIN views v USING (video_id)
        WHERE g.rating = r.value AND g.views = v.count
            AND json_array_length(g.tags)
                = (SELECT count(*) FROM video_tags t WHERE t.video_id = g.video_id)
    """
    assert in_database(data, sql) == [(FILMS,)]


async def test_a_second_click_at_the_same_moment_loses_neither(
    tmp_path: Path, library: Path
) -> None:
    with served(tmp_path, library) as server:
        async with loopback.AsyncClient(base_url=server.address, timeout=60) as http:
            [film, *_] = await hashes(http)
            for turn in range(10):
                pair = [f"left {turn}", f"right {turn}"]
                await asyncio.gather(
                    *(change(http, f"/videos/{film}/tags", tag=tag) for tag in pair)
                )
                assert set(pair) <= set((await http.get(f"/api/videos/{film}")).json()["tags"])
            # A heart that is turned over an even number of times is as it was.
            await asyncio.gather(*(change(http, f"/videos/{film}/favorite") for _ in range(10)))
            assert (await http.get(f"/api/videos/{film}")).json()["favorite"] is False


async def test_clients_that_leave_in_the_middle_leave_a_server_that_takes_changes(
    tmp_path: Path, library: Path
) -> None:
    with served(tmp_path, library) as server:
        async with loopback.AsyncClient(base_url=server.address, timeout=60) as http:
            [film, *_] = await hashes(http)
            chance = random.Random(5)
            answered = 0
            for turn in range(60):
                with socket.create_connection(("127.0.0.1", server.port)) as leaving:
                    body = b"value=3"
                    head = (
                        f"POST /videos/{film}/rating HTTP/1.1\r\nHost:"
                        f" 127.0.0.1:{server.port}\r\nContent-Length: {len(body)}\r\n"
                    )
                    leaving.sendall(
                        head.encode()
                        + b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
                        + body
                    )
                    await asyncio.sleep(chance.choice((0, 0, 0.001, 0.003, 0.01)))
                if turn % 5 == 0:
                    await change(http, f"/videos/{film}/view")
                    answered += 1
            await change(http, f"/videos/{film}/rating", value=5)
            found = (await http.get(f"/api/videos/{film}")).json()
            assert (found["rating"], found["views"]) == (5, answered)
        assert server.stop() == 0
    assert in_database(tmp_path / "data", "PRAGMA integrity_check") == [("ok",)]
