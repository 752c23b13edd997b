"""Costs of finding a page inside LVS: every filter combination, search and order, each asked
once, at any depth.

The time is that of `Gallery.find`: all SQL, the work in memory, and the way to the database's
thread and back, without HTML.

`python benchmarks/queries.py [--million]`
"""

import asyncio
import random
import statistics
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from sides import arguments, data_folders, header, row

from lvs.db.database import Database
from lvs.models import Cursor, Query, Root, Sort
from lvs.services.cache import Cache
from lvs.services.gallery.gallery import Gallery
from lvs.services.library.library import Library

EACH = 300


def main() -> None:
    """Make databases, ask, print."""
    options = arguments(__doc__)
    header(
        "videos",
        "what",
        "median ms",
        "p95 ms",
        "p99 ms",
        "CPU median ms",
        "CPU p95 ms",
        "queries, mean",
        "queries, most",
    )
    with data_folders(
        [100_000] + ([1_000_000] if options.million else []), options.keep
    ) as folders:
        for folder in folders:
            asyncio.run(measure(folder))


async def measure(folder: Path) -> None:
    database = Database(folder / "lvs.db")
    await database.open()
    try:
        root = Root(1, bytes(folder / "Videos"), "Videos")
        library = cast("Library", SimpleNamespace(active_roots=[root], roots={1: root}))
        gallery = Gallery(database, library, Cache(1000, 300))
        await gallery.fill()
        async with database.read() as db:
            words = [
                name[0]
                for name in await db.all("SELECT title FROM gallery ORDER BY shuffle LIMIT 2000")
            ]
            places = [
                (r[0], {sort: r[i] for i, sort in enumerate(DEEP, 1)})
                for r in await db.all(
                    f"SELECT video_id, {', '.join(DEEP.values())} FROM gallery ORDER BY shuffle"
                    " LIMIT 500"
                )
            ]
        drawn = Drawn(words, [tag.name for tag in await gallery.tags()], places)
        for name, draw in drawn.kinds.items():
            wall, cpu, queries = [], [], []
            for _ in range(EACH):
                query, after = draw()
                before, started, cpu_started = (
                    database.usage.queries,
                    time.perf_counter(),
                    time.process_time(),
                )
                await gallery.find(query, after)
                wall.append((time.perf_counter() - started) * 1000)
                cpu.append((time.process_time() - cpu_started) * 1000)
                queries.append(database.usage.queries - before)
            middle, late = statistics.median(wall), sorted(wall)
            cpu.sort()
            times = (
                middle,
                late[int(EACH * 0.95)],
                late[int(EACH * 0.99)],
                cpu[EACH // 2],
                cpu[int(EACH * 0.95)],
            )
            row(f"{int(folder.name):,}", name, *times, statistics.mean(queries), max(queries))
    finally:
        await database.close()


DEEP = {
    Sort.ADDED: "added_at",
    Sort.TITLE: "title_key",
    Sort.DURATION: "duration_s",
    Sort.RATING: "rating",
    Sort.RANDOM: "shuffle",
}


class Drawn:
    """Random queries of several kinds; the seed is the same for every size."""

    def __init__(
        self, titles: list[str], tags: list[str], places: list[tuple[int, dict[Sort, Any]]]
    ) -> None:
        self._chance = random.Random(1)
        self._words = [word for title in titles for word in title.split()]
        self._tags = tags
        self._places = places
        self.kinds = {
            "order and depth": lambda: self._placed(Query()),
            "filters": lambda: self._placed(self._filtered()),
            "tag page": lambda: self._placed(Query(tags=(self._chance.choice(self._tags),))),
            "several tags": lambda: self._placed(
                Query(tags=tuple(self._chance.sample(self._tags[:60], 3)))
            ),
            "search, 1 letter": lambda: self._placed(Query(q=self._word()[:1])),
            "search, 2 letters": lambda: self._placed(Query(q=self._word()[:2])),
            "search, 3 letters": lambda: self._placed(Query(q=self._word()[:3])),
            "search, 4 letters": lambda: self._placed(Query(q=self._word()[:4])),
            "search, 2 words": lambda: self._placed(Query(q=f"{self._word()[:3]} {self._word()}")),
            "best match, 3 letters": lambda: self._matched(self._word()[:3]),
            "best match, a word": lambda: self._matched(self._word()),
            "best match, 2 words": lambda: self._matched(f"{self._word()} {self._word()}"),
            "everything at once": lambda: self._placed(self._everything()),
        }

    def _word(self) -> str:
        return self._chance.choice(self._words)

    def _matched(self, words: str) -> tuple[Query, Cursor | None]:
        return Query(q=words, sort=Sort.MATCH), None

    def _placed(self, query: Query) -> tuple[Query, Cursor | None]:
        """In a random order, half of the time from somewhere in the middle."""
        draw = self._chance
        sort, descending = draw.choice(list(Sort)), draw.random() < 0.5
        query = Query(
            **{name: getattr(query, name) for name in FILTERS},
            sort=sort,
            descending=descending,
            seed=7,
        )
        if sort not in DEEP or draw.random() < 0.5:
            return query, None
        video_id, keys = draw.choice(self._places)
        return query, Cursor(keys[sort], video_id)

    def _filtered(self) -> Query:
        draw = self._chance
        return Query(
            min_rating=draw.choice((0, 0, 1, 3, 4, 5)),
            favorite=draw.random() < 0.25,
            unrated=draw.random() < 0.15,
            viewed=draw.random() < 0.3,
            min_minutes=draw.choice((0, 0, 5, 20, 60)),
            max_minutes=draw.choice((0, 0, 10, 90)),
        )

    def _everything(self) -> Query:
        draw, filtered = self._chance, self._filtered()
        return Query(
            q=draw.choice(
                ("", self._word()[:2], self._word()[:3], f"{self._word()} {self._word()[:2]}")
            ),
            tags=tuple(draw.sample(self._tags, draw.choice((0, 1, 2)))),
            min_rating=filtered.min_rating,
            favorite=filtered.favorite and draw.random() < 0.5,
            viewed=filtered.viewed,
            min_minutes=filtered.min_minutes,
        )


FILTERS = ("q", "tags", "min_rating", "favorite", "unrated", "viewed", "min_minutes", "max_minutes")

if __name__ == "__main__":
    main()
