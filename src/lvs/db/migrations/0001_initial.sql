-- Times are Unix milliseconds (UTC). Paths are the file system's bytes, relative to their library folder.

CREATE TABLE roots (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    active INTEGER NOT NULL DEFAULT 1,     -- 0: no longer among the configured folders
    filesystem TEXT,                       -- what the disk calls itself, to notice another one in its place
    offline_since INTEGER,
    scanned_at INTEGER
) STRICT;

-- Folders inside a library folder that are another disk's: when such a disk goes, an empty folder remains.
CREATE TABLE mounts (
    root_id INTEGER NOT NULL REFERENCES roots (id),
    path BLOB NOT NULL,
    PRIMARY KEY (root_id, path)
) STRICT, WITHOUT ROWID;

-- Folders inside a library folder that cannot be looked into right now; low and high bound the paths below them.
CREATE TABLE away (
    root_id INTEGER NOT NULL REFERENCES roots (id),
    path BLOB NOT NULL,
    low BLOB NOT NULL,
    high BLOB NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (root_id, path)
) STRICT, WITHOUT ROWID;

-- Identity. Everything people do hangs on it, so a row is never deleted because its files are away.
CREATE TABLE videos (
    id INTEGER PRIMARY KEY,
    media_hash TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    title_edited INTEGER NOT NULL DEFAULT 0,
    added_at INTEGER NOT NULL,
    shuffle INTEGER NOT NULL,              -- random once, so that a random order is an indexed one
    state TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'ready', 'unreadable')),
    reason TEXT,                           -- why it is unreadable, or why the last look failed
    looked_at INTEGER,
    looked_fingerprint TEXT,               -- the content that was looked into; differs from the file's: look again
    attempts INTEGER NOT NULL DEFAULT 0,   -- looks in a row that failed for a passing reason
    poster TEXT,                           -- content key of the poster, NULL without one
    container TEXT,
    video_codec TEXT,
    duration_s REAL,
    width INTEGER,
    height INTEGER,
    coded_width INTEGER,
    coded_height INTEGER,
    rotation INTEGER,
    frame_rate REAL,
    bit_depth INTEGER,
    pixel_format TEXT,
    audio_tracks TEXT,                     -- JSON
    subtitle_tracks TEXT,                  -- JSON
    recorded_at INTEGER
) STRICT;

CREATE INDEX videos_unreadable ON videos (title, id) WHERE state = 'unreadable';

-- Places. Rows with missing_since are where a video used to lie: old addresses lead on from there.
CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    root_id INTEGER NOT NULL REFERENCES roots (id),
    path BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    oshash TEXT NOT NULL,
    missing_since INTEGER
) STRICT;

CREATE UNIQUE INDEX files_present ON files (root_id, path) WHERE missing_since IS NULL;
CREATE INDEX files_place ON files (root_id, path, missing_since);
CREATE INDEX files_of_video ON files (video_id);

-- Every further content a video had; the first one is its media_hash. A file found anywhere with one of them is that video.
CREATE TABLE fingerprints (
    fingerprint TEXT PRIMARY KEY,
    video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX fingerprints_of_video ON fingerprints (video_id);

-- Other names of a video: the original server's sha256(file name)[:16], and hashes of videos that became one.
CREATE TABLE aliases (
    alias TEXT NOT NULL,
    video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    PRIMARY KEY (alias, video_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX aliases_of_video ON aliases (video_id);

-- Up to which file (id) aliases were made: they come after a scan, sorted, because one by one they would cost more than all else.
CREATE TABLE aliased (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    file_id INTEGER NOT NULL
) STRICT;

INSERT INTO aliased (only, file_id) VALUES (1, 0);

CREATE TABLE ratings (
    video_id INTEGER PRIMARY KEY REFERENCES videos (id) ON DELETE CASCADE,
    value INTEGER NOT NULL CHECK (value BETWEEN 1 AND 5),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE views (
    video_id INTEGER PRIMARY KEY REFERENCES videos (id) ON DELETE CASCADE,
    count INTEGER NOT NULL CHECK (count >= 0),
    last_viewed_at INTEGER
) STRICT;

CREATE TABLE favorites (
    video_id INTEGER PRIMARY KEY REFERENCES videos (id) ON DELETE CASCADE,
    added_at INTEGER NOT NULL
) STRICT;

CREATE TABLE tags (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    key TEXT NOT NULL UNIQUE,              -- NFC, case folded: what two spellings must share to be one tag
    used_at INTEGER NOT NULL DEFAULT 0,
    listed INTEGER NOT NULL DEFAULT 0      -- how many listed videos carry it; the triggers below keep it
) STRICT;

CREATE TABLE video_tags (
    video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    tag_id INTEGER NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (video_id, tag_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX video_tags_by_tag ON video_tags (tag_id, video_id);

-- Who changed what, with the old and the new value, so that a change can be taken back.
CREATE TABLE changes (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    what TEXT NOT NULL CHECK (what IN ('rating', 'favorite', 'tag', 'title', 'view')),
    old TEXT,
    new TEXT,
    client TEXT NOT NULL
) STRICT;

CREATE INDEX changes_of_video ON changes (video_id);

-- What the gallery shows, one row per listed video. Derived from the tables above by db/gallery.py and rebuilt from them at will.
CREATE TABLE gallery (
    video_id INTEGER PRIMARY KEY REFERENCES videos (id) ON DELETE CASCADE,
    media_hash TEXT NOT NULL,
    version INTEGER NOT NULL,              -- changes whenever anything on the card does
    root_id INTEGER NOT NULL,
    path BLOB NOT NULL,
    title TEXT NOT NULL,
    title_key TEXT NOT NULL,               -- sorts 2 before 10
    added_at INTEGER NOT NULL,
    duration_s REAL NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    rating INTEGER NOT NULL,               -- 0: unrated
    views INTEGER NOT NULL,
    last_viewed_at INTEGER NOT NULL,       -- 0: never
    favorited_at INTEGER NOT NULL,         -- 0: no favorite
    shuffle INTEGER NOT NULL,
    tags TEXT NOT NULL,                    -- JSON list of names
    state TEXT NOT NULL,
    poster TEXT,
    offline INTEGER NOT NULL
) STRICT;

CREATE INDEX gallery_added ON gallery (added_at, video_id);
CREATE INDEX gallery_title ON gallery (title_key, video_id);
CREATE INDEX gallery_rating ON gallery (rating, video_id);
CREATE INDEX gallery_views ON gallery (views, video_id);
CREATE INDEX gallery_duration ON gallery (duration_s, video_id);
CREATE INDEX gallery_size ON gallery (size_bytes, video_id);
CREATE INDEX gallery_viewed ON gallery (last_viewed_at, video_id);
CREATE INDEX gallery_favorited ON gallery (favorited_at, video_id);
CREATE INDEX gallery_shuffle ON gallery (shuffle, video_id);
CREATE INDEX gallery_place ON gallery (root_id, path);

-- Full text of what the gallery shows; rowid is the video's id.
CREATE VIRTUAL TABLE search USING fts5 (
    title, path, tags,
    tokenize = "unicode61 remove_diacritics 2",
    prefix = '2 3'
);

-- What is counted once instead of for every page.
CREATE TABLE folder_counts (
    root_id INTEGER NOT NULL,
    folder BLOB NOT NULL,                  -- the top folder's name
    videos INTEGER NOT NULL,               -- listed ones in and below it
    PRIMARY KEY (root_id, folder)
) STRICT, WITHOUT ROWID;

-- The latest changes to what the gallery shows, for those who keep a copy of it in memory.
CREATE TABLE gallery_changes (
    seq INTEGER PRIMARY KEY,
    mark INTEGER NOT NULL DEFAULT (random()),  -- tells two histories apart, after a restored backup
    what TEXT NOT NULL CHECK (what IN (
        'place',                           -- a video came, went, or changed its title or place
        'text',                            -- or only the words of its tags
        'card',                            -- or only something else that its card shows
        'tag')),                           -- it got or lost this tag
    video_id INTEGER NOT NULL,
    tag_id INTEGER
) STRICT;

CREATE TRIGGER gallery_changes_kept AFTER INSERT ON gallery_changes WHEN NEW.seq % 1000 = 0 BEGIN
    DELETE FROM gallery_changes WHERE seq <= NEW.seq - 10000;
END;

CREATE TRIGGER gallery_row_added AFTER INSERT ON gallery BEGIN
    INSERT INTO gallery_changes (what, video_id) VALUES ('place', NEW.video_id);
    UPDATE tags SET listed = listed + 1 WHERE id IN (SELECT tag_id FROM video_tags WHERE video_id = NEW.video_id);
    INSERT INTO folder_counts (root_id, folder, videos)
    SELECT NEW.root_id, substr(NEW.path, 1, instr(NEW.path, x'2f') - 1), 1 WHERE instr(NEW.path, x'2f') > 0
    ON CONFLICT DO UPDATE SET videos = videos + 1;
END;

CREATE TRIGGER gallery_row_removed AFTER DELETE ON gallery BEGIN
    INSERT INTO gallery_changes (what, video_id) VALUES ('place', OLD.video_id);
    UPDATE tags SET listed = listed - 1 WHERE id IN (SELECT tag_id FROM video_tags WHERE video_id = OLD.video_id);
    UPDATE folder_counts SET videos = videos - 1
    WHERE root_id = OLD.root_id AND folder = substr(OLD.path, 1, instr(OLD.path, x'2f') - 1) AND instr(OLD.path, x'2f') > 0;
END;

CREATE TRIGGER gallery_row_changed AFTER UPDATE ON gallery BEGIN
    INSERT INTO gallery_changes (what, video_id)
    SELECT CASE WHEN (OLD.title, OLD.path, OLD.root_id) IS NOT (NEW.title, NEW.path, NEW.root_id) THEN 'place'
            WHEN OLD.tags <> NEW.tags THEN 'text'
            ELSE 'card' END,
        NEW.video_id;
END;

CREATE TRIGGER gallery_row_moved AFTER UPDATE OF root_id, path ON gallery
WHEN (OLD.root_id, OLD.path) IS NOT (NEW.root_id, NEW.path) BEGIN
    UPDATE folder_counts SET videos = videos - 1
    WHERE root_id = OLD.root_id AND folder = substr(OLD.path, 1, instr(OLD.path, x'2f') - 1) AND instr(OLD.path, x'2f') > 0;
    INSERT INTO folder_counts (root_id, folder, videos)
    SELECT NEW.root_id, substr(NEW.path, 1, instr(NEW.path, x'2f') - 1), 1 WHERE instr(NEW.path, x'2f') > 0
    ON CONFLICT DO UPDATE SET videos = videos + 1;
END;

CREATE TRIGGER video_tag_added AFTER INSERT ON video_tags BEGIN
    INSERT INTO gallery_changes (what, video_id, tag_id) VALUES ('tag', NEW.video_id, NEW.tag_id);
    UPDATE tags SET listed = listed + 1
    WHERE id = NEW.tag_id AND EXISTS (SELECT 1 FROM gallery WHERE video_id = NEW.video_id);
END;

CREATE TRIGGER video_tag_removed AFTER DELETE ON video_tags BEGIN
    INSERT INTO gallery_changes (what, video_id, tag_id) VALUES ('tag', OLD.video_id, OLD.tag_id);
    UPDATE tags SET listed = listed - 1
    WHERE id = OLD.tag_id AND EXISTS (SELECT 1 FROM gallery WHERE video_id = OLD.video_id);
END;
