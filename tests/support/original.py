"""Makes what the original Local Video Server leaves behind: its database in the form of a time, and
its JSON files.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

SCHEMA = """
    CREATE TABLE videos (filename TEXT PRIMARY KEY, added_date REAL, file_size INTEGER,
        duration REAL,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
    CREATE TABLE ratings (filename TEXT PRIMARY KEY REFERENCES videos(filename) ON DELETE CASCADE,
        rating INTEGER, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
    CREATE TABLE views (filename TEXT PRIMARY KEY REFERENCES videos(filename) ON DELETE CASCADE,
        view_count INTEGER DEFAULT 0, last_viewed TIMESTAMP,
        updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
    CREATE TABLE video_tags (id INTEGER PRIMARY KEY AUTOINCREMENT, filename TEXT, tag TEXT NOT NULL,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, UNIQUE(filename, tag));
    CREATE TABLE favorites (filename TEXT PRIMARY KEY,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
    CREATE TABLE media_hash_map (media_hash TEXT PRIMARY KEY, filename TEXT UNIQUE NOT NULL,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
    CREATE TABLE gallery_groups (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,
        slug TEXT UNIQUE NOT NULL,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
    CREATE TABLE gallery_group_items (id INTEGER PRIMARY KEY AUTOINCREMENT,
        group_id INTEGER NOT NULL, image_path TEXT NOT NULL,
        position INTEGER, created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
"""
SINCE_2026 = """
    ALTER TABLE gallery_groups ADD COLUMN cover_image TEXT;
    CREATE TABLE playlists (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,
        description TEXT,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);
    CREATE TABLE playlist_items (id INTEGER PRIMARY KEY AUTOINCREMENT, playlist_id INTEGER,
        video_filename TEXT,
        position INTEGER);
    CREATE TABLE phash_cache (filename TEXT NOT NULL, kind TEXT NOT NULL, phash TEXT NOT NULL,
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (filename, kind));
"""
AT = "2025-03-01 10:20:30"
AT_MS = 1_740_824_430_000


def database(
    path: Path,
    *,
    ratings: Mapping[str, Any] = {},
    views: Mapping[str, Any] = {},
    tags: Iterable[tuple[str, str]] = (),
    favorites: Iterable[str] = (),
    added: Mapping[str, Any] = {},
    playlists: Mapping[str, Sequence[str]] | None = None,
    at: str = AT,
) -> Path:
    """A database of the original; without `playlists` one of November 2025.

    Everything in it was done at `at` (UTC).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as file, file:
        file.executescript(SCHEMA if playlists is None else SCHEMA + SINCE_2026)
        file.executemany("INSERT INTO videos (filename, added_date) VALUES (?, ?)", added.items())
        file.executemany(
            "INSERT INTO ratings VALUES (?, ?, ?)", [(*row, at) for row in ratings.items()]
        )
        file.executemany(
            "INSERT INTO views (filename, view_count, last_viewed) VALUES (?, ?, ?)",
            [(*row, at) for row in views.items()],
        )
        file.executemany(
            "INSERT INTO video_tags (filename, tag, created_at) VALUES (?, ?, ?)",
            [(*row, at) for row in tags],
        )
        file.executemany("INSERT INTO favorites VALUES (?, ?)", [(name, at) for name in favorites])
        for number, (name, items) in enumerate((playlists or {}).items(), 1):
            file.execute(
                "INSERT INTO playlists VALUES (?, ?, ?, ?)", (number, name, f"about {name}", at)
            )
            # Written from the end, so that it is the position that orders them.
            rows = [(number, item, place) for place, item in reversed(list(enumerate(items)))]
            file.executemany(
                "INSERT INTO playlist_items (playlist_id, video_filename, position) VALUES (?,"
                " ?, ?)",
                rows,
            )
    return path


def store(folder: Path, **files: Any) -> Path:
    """JSON files of the original, such as `ratings={"a.mp4": 5}`, in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2))
    return folder
