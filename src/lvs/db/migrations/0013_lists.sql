-- What one means to watch later.
CREATE TABLE later (
    person_id INTEGER NOT NULL DEFAULT 0,  -- 0: the household
    video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (person_id, video_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX later_added ON later (person_id, added_at, video_id);
CREATE INDEX later_of_video ON later (video_id);

-- A deleted playlist keeps its items, and gives its name free, until it is removed for good.
ALTER TABLE playlists ADD COLUMN deleted_at INTEGER;
ALTER TABLE playlists ADD COLUMN deleted_name TEXT;
