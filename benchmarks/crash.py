"""Kills the server at random moments while sixteen clients write, and counts what of the answered
changes is missing afterwards.

    python benchmarks/crash.py --rounds 50

Each round starts a real server, lets clients rate, tag, untag, favorite and count views over HTTP
while films are added and renamed, scans and backups run, and sends SIGKILL after a random time.
Then the database must pass SQLite's integrity check, every picture and every backup must be whole,
and the next server must answer with every change that was answered before: `lost` is 0.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.home import OLD_NS, distinct_video

CLIENTS = 16
PATIENCE_S = 60.0
STARTS_KILLED = 0.2  # share of the rounds in which a server is killed while it starts, too


@dataclass(slots=True)
class Outcome:
    """Result of all rounds."""

    rounds: int = 0
    acknowledged: int = 0
    in_flight: int = 0
    lost: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    answered: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Expected:
    """Values allowed after a crash: the last one answered, or the one under way."""

    answered: Any
    under_way: list[Any] = field(default_factory=list)

    def allows(self, found: Any) -> bool:
        return found == self.answered or found in self.under_way


def visitor(address: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=address, timeout=PATIENCE_S, verify=False
    )  # nothing here is encrypted


class Client:
    """One of those who write: it has a film of its own, and shares another with everyone."""

    def __init__(self, number: int, outcome: Outcome, chance: random.Random) -> None:
        self.number = number
        self.own = ""
        self.shared = ""
        self.rating = Expected(None)
        self.favorite = Expected(False)
        self.tags: dict[str, Expected] = {}
        self.views = 0
        self.views_under_way = 0
        self._outcome = outcome
        self._chance = chance

    async def write(self, http: httpx.AsyncClient) -> None:
        """Change one thing after the other until the server is gone."""
        with contextlib.suppress(httpx.HTTPError):
            while True:
                await self._one_change(http)

    async def _one_change(self, http: httpx.AsyncClient) -> None:
        kind = self._chance.choice(("rating", "favorite", "tag", "untag", "view"))
        if kind == "rating":
            stars = self._chance.randrange(6)
            await self._change(
                http, f"/videos/{self.own}/rating", {"value": stars}, self.rating, stars or None
            )
        elif kind == "favorite":
            wanted = self._chance.random() < 0.5
            await self._change(
                http, f"/videos/{self.own}/favorite", {"value": int(wanted)}, self.favorite, wanted
            )
        elif kind == "view":
            self.views_under_way += 1
            await self._answered(http, f"/videos/{self.shared}/view", {})
            self.views_under_way -= 1
            self.views += 1
        else:
            tag = f"c{self.number}-{self._chance.randrange(6)}"
            on = kind == "tag"
            expected = self.tags.setdefault(tag, Expected(False))
            await self._change(
                http,
                f"/videos/{self.shared}/tags{'' if on else '/remove'}",
                {"tag": tag},
                expected,
                on,
            )

    async def _change(
        self,
        http: httpx.AsyncClient,
        path: str,
        form: dict[str, Any],
        expected: Expected,
        value: Any,
    ) -> None:
        expected.under_way = [value]
        await self._answered(http, path, form)
        expected.answered, expected.under_way = value, []

    async def _answered(self, http: httpx.AsyncClient, path: str, form: dict[str, Any]) -> None:
        self._outcome.in_flight += 1
        answer = await http.post(path, data=form)
        self._outcome.in_flight -= 1
        if answer.status_code not in (200, 303):
            raise RuntimeError(f"{path} {form}: {answer.status_code} {answer.text[:300]}")
        self._outcome.acknowledged += 1
        self._outcome.answered.set()


class Household:
    """A library, a data folder, and servers that are killed."""

    def __init__(self, folder: Path, clients: int, seed: int) -> None:
        self.library = folder / "Videos"
        self.data = folder / "data"
        self.outcome = Outcome()
        self._chance = random.Random(seed)
        self._clients = [
            Client(number, self.outcome, random.Random(seed * 1000 + number))
            for number in range(clients)
        ]
        self._folder = folder
        self._log = (folder / "server.txt").open("ab")
        self._renames = 0
        self.library.mkdir()
        for number in range(clients + 1):
            self._add(f"film {number}.mp4")

    def _add(self, name: str) -> None:
        path = self.library / name
        path.write_bytes(distinct_video())
        os.utime(path, ns=(OLD_NS, OLD_NS))

    async def rounds(self, number: int, longest_s: float) -> Outcome:
        """Do so many rounds, each ended by SIGKILL at most `longest_s` seconds after its first
        answer.
        """
        async with self._server() as (process, address):
            await self._find_films(address)
            await self._kill(process)
        for _ in range(number):
            self.outcome.rounds += 1
            if self._chance.random() < STARTS_KILLED:
                await self._kill_a_start()
            async with self._server() as (process, address), visitor(address) as http:
                await self._compare(address)
                self.outcome.answered.clear()
                others = [asyncio.create_task(client.write(http)) for client in self._clients]
                others += [
                    asyncio.create_task(self._disturb(http)),
                    asyncio.create_task(self._back_up()),
                ]
                await asyncio.wait_for(self.outcome.answered.wait(), PATIENCE_S)
                await asyncio.sleep(self._chance.uniform(0, longest_s))
                await self._kill(process)
                for problem in await asyncio.gather(*others, return_exceptions=True):
                    if isinstance(problem, BaseException):
                        self.outcome.damage.append(repr(problem))
            self._look_for_damage()
        async with self._server() as (process, address):
            await self._compare(address)
            await self._kill(process)
        self._log.close()
        return self.outcome

    @contextlib.asynccontextmanager
    async def _server(self) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
        process = await self._start("serve", self.library, "--host", "127.0.0.1", "--port", "0")
        try:
            async with asyncio.timeout(PATIENCE_S):
                address = ""
                assert process.stdout
                async for line in process.stdout:
                    found = re.search(rb"http://\S+", line)
                    address = address or (found[0].decode() if found else "")
                    if line.startswith(b"Stop it"):
                        break
            if not address:
                raise RuntimeError(
                    f"the server did not start: {(self._folder / 'server.txt').read_text()[-2000:]}"
                )
            yield process, address
        finally:
            await self._kill(process)

    async def _start(self, *arguments: str | Path) -> asyncio.subprocess.Process:
        settings = {
            "LVS_RATINGS_LIMIT": "0",
            "LVS_WRITES_LIMIT": "0",
            "LVS_SETTLE_SECONDS": "0.2",
            "LVS_THUMBNAIL_WORKERS": "1",
            "HOME": str(self._folder),
        }
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "lvs", *map(str, arguments), "--data", str(self.data)),
            env={**os.environ, **settings},
            cwd=self._folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._log,
        )

    async def _kill(self, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()

    async def _kill_a_start(self) -> None:
        process = await self._start("serve", self.library, "--host", "127.0.0.1", "--port", "0")
        await asyncio.sleep(self._chance.uniform(0.1, 1.5))
        await self._kill(process)

    async def _find_films(self, address: str) -> None:
        """Wait for the first scan, and give every client its film."""
        async with visitor(address) as http:
            until = time.monotonic() + PATIENCE_S
            while True:
                found = (
                    await http.get(
                        "/api/videos", params={"limit": 500, "sort": "title", "order": "asc"}
                    )
                ).json()["videos"]
                if len(found) > len(self._clients):
                    break
                if time.monotonic() > until:
                    raise RuntimeError("the films were not found")
                await asyncio.sleep(0.2)
        for client, film in zip(self._clients, found[1:], strict=False):
            client.own, client.shared = film["media_hash"], found[0]["media_hash"]

    async def _disturb(self, http: httpx.AsyncClient) -> None:
        """Have new films come, known ones renamed, and everything scanned, for as long as the
        server answers.
        """
        with contextlib.suppress(httpx.HTTPError):
            while True:
                self._renames += 1
                await asyncio.to_thread(self._add, f"new {self._renames}.mp4")
                films = sorted(self.library.glob("*.mp4"))
                self._chance.choice(films).rename(self.library / f"renamed {self._renames}.mp4")
                await http.post("/admin/scan")
                await asyncio.sleep(self._chance.uniform(0.05, 0.3))

    async def _back_up(self) -> None:
        """Have another process make a backup, and kill that one too."""
        if self._chance.random() < 0.5:
            return
        process = await self._start("backup")
        await asyncio.sleep(self._chance.uniform(0.2, 1.2))
        await self._kill(process)

    def _look_for_damage(self) -> None:
        for database in (self.data / "lvs.db", *(self.data / "backups").glob("lvs-*.db")):
            with closing(sqlite3.connect(database)) as opened:
                result = (
                    opened.execute("PRAGMA integrity_check").fetchall()
                    + opened.execute("PRAGMA foreign_key_check").fetchall()
                )
            if result != [("ok",)]:
                self.outcome.damage.append(f"{database.name}: {result[0]}")
        for snapshot in (self.data / "backups").glob("lvs-*/*.json"):
            json.loads(snapshot.read_bytes())
        for picture in (self.data / "thumbnails").glob("??/*.*"):
            try:
                with Image.open(picture) as image:
                    image.load()
            except OSError as error:
                self.outcome.damage.append(f"{picture.name}: {error}")

    async def _compare(self, address: str) -> None:
        """Ask the server for everything that was answered, and go on from what it says."""
        async with visitor(address) as http:
            shared = await self._film(http, self._clients[0].shared)
            for client in self._clients:
                own = await self._film(http, client.own)
                self._check(client.rating, own["rating"], f"client {client.number}'s rating")
                self._check(client.favorite, own["favorite"], f"client {client.number}'s favorite")
                for tag, expected in client.tags.items():
                    self._check(expected, tag in shared["tags"], f"tag {tag}")
        answered = sum(client.views for client in self._clients)
        under_way = sum(client.views_under_way for client in self._clients)
        if not answered <= shared["views"] <= answered + under_way:
            self.outcome.lost.append(
                f"views: {answered} answered, {under_way} under way, {shared['views']} found"
            )
        for client in self._clients:
            client.views, client.views_under_way = 0, 0
        self._clients[0].views = shared["views"]

    async def _film(self, http: httpx.AsyncClient, media_hash: str) -> dict[str, Any]:
        answer = await http.get(f"/api/videos/{media_hash}")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def _check(self, expected: Expected, found: Any, what: str) -> None:
        if not expected.allows(found):
            self.outcome.lost.append(
                f"{what}: answered {expected.answered}, under way {expected.under_way}, found"
                f" {found}"
            )
        expected.answered, expected.under_way = found, []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument(
        "--seconds",
        type=float,
        default=2.0,
        help="the longest that is written after the first answer",
    )
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        household = Household(Path(folder), arguments.clients, arguments.seed)
        outcome = asyncio.run(household.rounds(arguments.rounds, arguments.seconds))
    print(f"seed          {arguments.seed}")
    print(f"rounds        {outcome.rounds}")
    print(f"acknowledged  {outcome.acknowledged}")
    print(f"in flight     {outcome.in_flight}")
    print(f"lost          {len(outcome.lost)}")
    print(f"damage        {len(outcome.damage)}")
    for message in (*outcome.lost, *outcome.damage):
        print(f"    {message}")
    return 1 if outcome.lost or outcome.damage else 0


if __name__ == "__main__":
    sys.exit(main())
