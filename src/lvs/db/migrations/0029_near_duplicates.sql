-- What some pictures of a film look like, by which films of the same pictures are found.
CREATE TABLE picture_signatures (
    video_id INTEGER PRIMARY KEY REFERENCES videos (id) ON DELETE CASCADE,
    content TEXT NOT NULL,                 -- fingerprint of the file that was looked into
    version INTEGER NOT NULL,              -- of the way signatures are made
    duration_s REAL NOT NULL,
    pictures BLOB NOT NULL,                -- 12 bytes each: a place in eighths of a second and a hash
    compared INTEGER NOT NULL DEFAULT 0    -- 1: with all the others
) STRICT;

CREATE INDEX picture_signatures_new ON picture_signatures (video_id) WHERE NOT compared;

-- Two films that show the same pictures.
CREATE TABLE near_pairs (
    id INTEGER PRIMARY KEY,
    low_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    high_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    pictures INTEGER NOT NULL,             -- that agree
    dismissed_at INTEGER,                  -- somebody said that they are two films
    UNIQUE (low_id, high_id),
    CHECK (low_id < high_id)
) STRICT;

CREATE INDEX near_pairs_by_high ON near_pairs (high_id);
