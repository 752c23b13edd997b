"""Databases of any size for the other benchmarks: rows as a household of years would have them,
without the files.

`python benchmarks/household.py 100000 FOLDER` leaves one behind to look into; the benchmarks make
their own and remove them.
"""

import argparse
import asyncio
import math
import random
import sqlite3
import time
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, cast

from lvs.db import gallery
from lvs.db.connection import SQL_FUNCTIONS
from lvs.db.database import Database, Transaction
from lvs.models import Shape, Stereo
from lvs.services.media.eye import drawing
from lvs.services.media.picture_signature import SIGNATURE_VERSION

NOW_MS = 1_790_000_000_000
YEARS_MS = 8 * 365 * 24 * 3600 * 1000
BATCH = 2000
WORDS, TAGS, TOP_FOLDERS = 4000, 300, 24
SYLLABLES = [
    start + vowel + end
    for start in [
        "b",
        "c",
        "d",
        "f",
        "g",
        "h",
        "j",
        "k",
        "l",
        "m",
        "n",
        "p",
        "r",
        "s",
        "t",
        "v",
        "w",
        "st",
        "th",
    ]
    for vowel in "aeiou"
    for end in ("", "", "n", "r")
]
SYLLABLES += ["al", "an", "el", "en", "in", "is", "on", "or", "un", "ur"]


class Household:
    """Draws the same videos for the same seed.

    Words, tags and folders are used unevenly (Zipf), as people use them.
    """

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self.words = self._names(WORDS, 2, 4)
        self.tags = self._names(TAGS, 2, 3)
        self.folders = [name.title() for name in self._names(TOP_FOLDERS, 2, 3)]
        self._word_weights = list(accumulate(1 / (rank + 8) for rank in range(WORDS)))
        self._tag_weights = list(accumulate(1 / (rank + 3) for rank in range(TAGS)))
        self._folder_weights = list(accumulate(1 / (rank + 2) for rank in range(TOP_FOLDERS)))

    def _names(self, count: int, fewest: int, most: int) -> list[str]:
        names: dict[str, None] = {}
        while len(names) < count:
            names[
                "".join(self._random.choices(SYLLABLES, k=self._random.randint(fewest, most)))
            ] = None
        return list(names)

    def rows(self, first: int, count: int, total: int) -> Iterator[dict[str, Any]]:
        """Videos `first` to `first + count - 1` of `total`, each with all that hangs on it."""
        draw = self._random
        for number in range(first, first + count):
            words = draw.choices(self.words, cum_weights=self._word_weights, k=draw.randint(2, 6))
            folder = draw.choices(self.folders, cum_weights=self._folder_weights)[0]
            below = f"{folder}/{2015 + number * 9 // total}" if draw.random() < 0.7 else folder
            title = " ".join(
                [*words, *([str(draw.randint(1, 2000))] if draw.random() < 0.5 else [])]
            )
            added_at = NOW_MS - (total - number) * YEARS_MS // total - draw.randint(0, 86_400_000)
            yield {
                "id": number,
                "media_hash": f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}",
                "title": title,
                "added_at": added_at,
                "shuffle": draw.randrange(2**31),
                "poster": f"{number:016x}",
                "duration_s": round(math.exp(draw.gauss(5.5, 1.3)), 3),
                "width": (short := draw.choice((480, 720, 1080, 1080, 1080, 2160))) * 16 // 9,
                "height": short,
                "path": f"{below}/{title.replace(' ', '_')}_{number}.mp4".encode(),
                "size_bytes": int(math.exp(draw.gauss(18.5, 1.2))),
                "rating": draw.choices((0, 1, 2, 3, 4, 5), (70, 2, 4, 9, 10, 5))[0],
                "views": (views := int(draw.expovariate(0.5)) if draw.random() < 0.4 else 0),
                "last_viewed_at": draw.randint(added_at, NOW_MS) if views else 0,
                "favorited_at": draw.randint(added_at, NOW_MS) if draw.random() < 0.05 else 0,
                "tags": self._some_tags(),
            }

    def _some_tags(self) -> list[int]:
        count = self._random.choice((0, 0, 1, 2, 3, 4, 6))
        return sorted(
            set(self._random.choices(range(1, TAGS + 1), cum_weights=self._tag_weights, k=count))
        )


class Unsafe:
    """Stands in for a transaction, without waiting for the disk: what is lost in a power cut here
    is made again.
    """

    def __init__(self, path: Path) -> None:
        self.raw = sqlite3.connect(path, isolation_level=None)
        for name, count, function in SQL_FUNCTIONS:
            self.raw.create_function(name, count, function, deterministic=True)
        self.raw.execute("PRAGMA synchronous = OFF")
        self.raw.execute("PRAGMA cache_size = -262144")

    async def run(self, sql: str, values: Any = ()) -> int:
        return self.raw.execute(sql, values).rowcount

    async def run_many(self, sql: str, values: Any) -> None:
        self.raw.executemany(sql, values)


async def make(path: Path, root: Path, count: int, seed: int = 1) -> Household:
    """A database of `count` listed videos that claim to lie below `root`."""
    household = Household(seed)
    database = Database(path)
    await database.open()
    await database.close()
    tx = Unsafe(path)
    sql = "INSERT INTO roots (id, path, name, scanned_at) VALUES (1, ?, ?, ?)"
    await tx.run(sql, (bytes(root), root.name, NOW_MS))
    names = [(number, name, name, number) for number, name in enumerate(household.tags, 1)]
    await tx.run_many("INSERT INTO tags (id, name, key, used_at) VALUES (?, ?, ?, ?)", names)
    for first in range(1, count + 1, BATCH):
        rows = list(household.rows(first, min(BATCH, count + 1 - first), count))
        await tx.run("BEGIN")
        for sql in _INSERTS:
            await tx.run_many(sql, rows)
        pairs = [(row["id"], tag, row["added_at"]) for row in rows for tag in row["tags"]]
        await tx.run_many(
            "INSERT INTO video_tags (video_id, tag_id, created_at) VALUES (?, ?, ?)", pairs
        )
        await gallery.refresh(cast("Transaction", tx), [row["id"] for row in rows])
        await tx.run("COMMIT")
    tx.raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    tx.raw.close()
    return household


AS_TODAY = drawing("", None)
_INSERTS = (
    """
    INSERT INTO videos (id, media_hash, title, added_at, shuffle, state, looked_at,
        looked_fingerprint, poster, container, video_codec, duration_s, width, height, coded_width,
        coded_height, rotation, audio_tracks, subtitle_tracks)
    VALUES (:id, :media_hash, :title, :added_at, :shuffle, 'ready', :added_at,
        :media_hash, :poster, 'mov,mp4',
        'h264', :duration_s, :width, :height, :width, :height, 0, '[]', '[]')
    """,
    """
    INSERT INTO files (id, video_id, root_id, path, size_bytes, mtime_ns, fingerprint, oshash)
    VALUES (:id, :id, 1, :path, :size_bytes, :added_at * 1000000, :media_hash, :media_hash)
    """,
    # Nothing is left for the workers to do.
    f"""
    INSERT INTO projections (video_id, shape, stereo, swapped, source, sure, reason, evidence, eye,
        drawn)
    VALUES (:id, '{Shape.FLAT}', '{Stereo.MONO}', 0, 'default', 0, '', '{{}}', '{AS_TODAY}',
        '{AS_TODAY}')
    """,
    "INSERT INTO poster_colours (poster, colour) VALUES (:poster, '456')",
    f"""
    INSERT INTO picture_signatures (video_id, content, version, duration_s, pictures, compared)
    VALUES (:id, :media_hash, {SIGNATURE_VERSION}, :duration_s, x'', 1)
    """,
    "INSERT INTO ratings SELECT :id, :rating, :added_at, :added_at WHERE :rating > 0",
    "INSERT INTO views SELECT :id, :views, :last_viewed_at WHERE :views > 0",
    "INSERT INTO favorites SELECT :id, :favorited_at WHERE :favorited_at > 0",
)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    library = options.folder / "Videos"
    library.mkdir(exist_ok=True)
    started = time.perf_counter()
    asyncio.run(make(options.folder / "lvs.db", library, options.count))
    print(f"{options.count:,} videos in {time.perf_counter() - started:.1f} s")
