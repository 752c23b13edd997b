-- The journal knows which change an undo took back, and that a video was forgotten. A CHECK cannot be altered in place.
CREATE TABLE changes_next (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    what TEXT NOT NULL CHECK (what IN ('rating', 'favorite', 'tag', 'title', 'view', 'forgotten')),
    old TEXT,
    new TEXT,
    client TEXT NOT NULL,
    undoes INTEGER                         -- the change of the same video that this one took back
) STRICT;

INSERT INTO changes_next (id, at, video_id, what, old, new, client)
SELECT id, at, video_id, what, old, new, client FROM changes;

DROP TABLE changes;

ALTER TABLE changes_next RENAME TO changes;

CREATE INDEX changes_of_video ON changes (video_id);
CREATE INDEX changes_by_client ON changes (client);
CREATE INDEX changes_by_kind ON changes (what) WHERE what <> 'view';  -- views outnumber all else, and need no index to be found
CREATE INDEX changes_undoing ON changes (undoes) WHERE undoes IS NOT NULL;
CREATE INDEX changes_views ON changes (at) WHERE what = 'view';

-- The recycle bin: a video that was forgotten keeps every row it has until it is removed for good.
ALTER TABLE videos ADD COLUMN forgotten_at INTEGER;

-- On how many nights the clean-up met it in the bin: a clock that jumps ahead must not empty the bin.
ALTER TABLE videos ADD COLUMN nights_forgotten INTEGER NOT NULL DEFAULT 0;

CREATE INDEX videos_forgotten ON videos (forgotten_at, id) WHERE forgotten_at IS NOT NULL;

-- The night that was counted last, as YYYY-MM-DD.
CREATE TABLE bin_nights (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    night TEXT NOT NULL
) STRICT;

-- A video whose file is there again is no longer forgotten, whoever wrote the row.
CREATE TRIGGER forgotten_file_added AFTER INSERT ON files WHEN NEW.missing_since IS NULL BEGIN
    UPDATE videos SET forgotten_at = NULL, nights_forgotten = 0 WHERE id = NEW.video_id AND forgotten_at IS NOT NULL;
END;

CREATE TRIGGER forgotten_file_back AFTER UPDATE OF video_id, missing_since ON files WHEN NEW.missing_since IS NULL BEGIN
    UPDATE videos SET forgotten_at = NULL, nights_forgotten = 0 WHERE id = NEW.video_id AND forgotten_at IS NOT NULL;
END;

-- Of several places of a video, the one that somebody chose to be played.
ALTER TABLE files ADD COLUMN preferred INTEGER NOT NULL DEFAULT 0;
