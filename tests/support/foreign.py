"""Makes databases as other programs document them, with the columns that matter and some more."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

AT = "2025-03-01T10:20:30Z"
AT_MS = 1_740_824_430_000

STASH = """
    CREATE TABLE schema_migrations (version uint64, dirty bool);
    CREATE TABLE folders (id integer not null primary key autoincrement, path varchar(255) not null,
        parent_folder_id integer, mod_time datetime);
    CREATE TABLE files (id integer not null primary key autoincrement, basename varchar(255),
        zip_file_id integer, parent_folder_id integer not null, size integer not null,
        mod_time datetime);
    CREATE TABLE files_fingerprints (file_id integer not null, type varchar(255) not null,
        fingerprint blob not null, PRIMARY KEY (file_id, type, fingerprint));
    CREATE TABLE video_files (file_id integer not null primary key, duration float not null,
        video_codec varchar(255), format varchar(255), width tinyint, height tinyint);
    CREATE TABLE scenes (id integer not null primary key autoincrement, title varchar(255),
        details text, date date, rating tinyint, studio_id integer,
        organized boolean not null default '0', resume_time float not null default 0,
        play_duration float not null default 0);
    CREATE TABLE scenes_files (scene_id integer not null, file_id integer not null,
        "primary" boolean not null, PRIMARY KEY (scene_id, file_id));
    CREATE TABLE tags (id integer not null primary key autoincrement, name varchar(255),
        description text);
    CREATE TABLE scenes_tags (scene_id integer, tag_id integer, PRIMARY KEY (scene_id, tag_id));
    CREATE TABLE scenes_view_dates (scene_id integer, view_date datetime not null);
    CREATE TABLE scene_markers (id integer not null primary key autoincrement,
        title varchar(255) not null, seconds float not null, primary_tag_id integer not null,
        scene_id integer not null, end_seconds float);
"""
XBVR = """
    CREATE TABLE migrations (id varchar(255) PRIMARY KEY);
    CREATE TABLE scenes (id integer primary key autoincrement, created_at datetime,
        deleted_at datetime, scene_id varchar(255), title varchar(1024), star_rating real,
        favourite bool DEFAULT false, watchlist bool DEFAULT false,
        is_watched bool DEFAULT false, duration integer);
    CREATE TABLE files (id integer primary key autoincrement, volume_id integer,
        path varchar(255), filename varchar(255), size bigint, type varchar(255),
        scene_id integer, video_duration real, os_hash varchar(255));
    CREATE TABLE tags (id integer primary key autoincrement, name varchar(255), count integer);
    CREATE TABLE scene_tags (scene_id integer, tag_id integer, PRIMARY KEY (scene_id, tag_id));
    CREATE TABLE histories (id integer primary key autoincrement, scene_id integer,
        time_start datetime, time_end datetime, duration real);
    CREATE TABLE scene_cuepoints (id integer primary key autoincrement, scene_id integer,
        time_start real, name varchar(255));
"""
JELLYFIN = """
    CREATE TABLE __EFMigrationsHistory (MigrationId TEXT PRIMARY KEY, ProductVersion TEXT);
    CREATE TABLE BaseItems (Id TEXT PRIMARY KEY, Type TEXT NOT NULL, Data TEXT, Path TEXT,
        Name TEXT, RunTimeTicks INTEGER, Size INTEGER, Tags TEXT, Genres TEXT, MediaType TEXT,
        IsFolder INTEGER NOT NULL);
    CREATE TABLE UserData (ItemId TEXT, UserId TEXT, CustomDataKey TEXT, Rating REAL,
        PlaybackPositionTicks INTEGER NOT NULL, PlayCount INTEGER NOT NULL,
        IsFavorite INTEGER NOT NULL, LastPlayedDate TEXT, Played INTEGER NOT NULL,
        PRIMARY KEY (ItemId, UserId, CustomDataKey));
    CREATE TABLE Users (Id TEXT PRIMARY KEY, Username TEXT NOT NULL);
"""
DIGIKAM = """
    CREATE TABLE Settings (keyword TEXT NOT NULL UNIQUE, value TEXT);
    CREATE TABLE AlbumRoots (id INTEGER PRIMARY KEY, label TEXT, status INTEGER NOT NULL,
        type INTEGER NOT NULL, identifier TEXT, specificPath TEXT,
        UNIQUE (identifier, specificPath));
    CREATE TABLE Albums (id INTEGER PRIMARY KEY, albumRoot INTEGER NOT NULL,
        relativePath TEXT NOT NULL, date DATE, caption TEXT, collection TEXT, icon INTEGER,
        UNIQUE (albumRoot, relativePath));
    CREATE TABLE Images (id INTEGER PRIMARY KEY, album INTEGER, name TEXT NOT NULL,
        status INTEGER NOT NULL, category INTEGER NOT NULL, modificationDate DATETIME,
        fileSize INTEGER, uniqueHash TEXT, UNIQUE (album, name));
    CREATE TABLE ImageInformation (imageid INTEGER PRIMARY KEY, rating INTEGER,
        creationDate DATETIME, format TEXT);
    CREATE TABLE ImageTags (imageid INTEGER NOT NULL, tagid INTEGER NOT NULL,
        UNIQUE (imageid, tagid));
    CREATE TABLE Tags (id INTEGER PRIMARY KEY, pid INTEGER, name TEXT NOT NULL, icon INTEGER,
        iconkde TEXT, UNIQUE (name, pid));
"""

MIGRATION = "20250609115616_DetachUserDataInsteadOfDelete"
"""The one that Jellyfin's databases have last, unless a test says another."""

Rows = Mapping[str, Iterable[Sequence[Any]]]


def made(path: Path, schema: str, rows: Rows) -> Path:
    """A database with these rows; a name such as `tags(id, name)` says which columns."""
    with closing(sqlite3.connect(path)) as db:
        db.executescript(schema)
        for table, values in rows.items():
            for row in values:
                marks = ", ".join("?" * len(row))
                db.execute(f"INSERT INTO {table} VALUES ({marks})", row)
        db.commit()
    return path


def stash(path: Path, rows: Rows, version: int = 71, dirty: bool = False) -> Path:
    return made(path, STASH, {"schema_migrations": [(version, dirty)], **rows})


def xbvr(path: Path, rows: Rows, migration: str = "0081-some") -> Path:
    return made(path, XBVR, {"migrations": [("0001",), (migration,)], **rows})


def jellyfin(path: Path, rows: Rows, migration: str = MIGRATION) -> Path:
    history = [("20200514181226_AddActivityLog", "3.1.3"), (migration, "9.0.6")]
    return made(path, JELLYFIN, {"__EFMigrationsHistory": history, **rows})


def digikam(path: Path, rows: Rows, version: str = "16") -> Path:
    return made(path, DIGIKAM, {"Settings": [("DBVersion", version)], **rows})
