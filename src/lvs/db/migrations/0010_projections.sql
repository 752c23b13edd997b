-- The shape of a film: flat, or a part of a sphere, for one eye or two.
CREATE TABLE projections (
    video_id INTEGER PRIMARY KEY REFERENCES videos (id) ON DELETE CASCADE,
    shape TEXT NOT NULL,
    stereo TEXT NOT NULL,
    swapped INTEGER NOT NULL,
    fov REAL,
    lens TEXT,
    source TEXT NOT NULL,
    sure INTEGER NOT NULL,
    reason TEXT NOT NULL,
    evidence TEXT,                         -- JSON: what the file says; NULL until it was looked into
    chosen TEXT,                           -- JSON: what a person chose; NULL: as found
    eye TEXT NOT NULL DEFAULT '',          -- the part of the picture that its poster is to show
    drawn TEXT                             -- the part that its poster shows
) STRICT;

CREATE INDEX projections_chosen ON projections (video_id) WHERE chosen IS NOT NULL;

-- The parts of a film that its file names: a JSON list of [name, start, end], in milliseconds.
CREATE TABLE chapters (
    video_id INTEGER PRIMARY KEY REFERENCES videos (id) ON DELETE CASCADE,
    chapters TEXT NOT NULL
) STRICT;

-- One number for shape and stereo, so that galleries can be filtered by them; 0: flat, for one eye.
ALTER TABLE gallery ADD COLUMN projection INTEGER NOT NULL DEFAULT 0;

-- The journal knows of projections. Which kinds there are is for the code to say: a CHECK would
-- have this table rebuilt with every further kind.
CREATE TABLE changes_next (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    what TEXT NOT NULL,
    old TEXT,
    new TEXT,
    client TEXT NOT NULL,
    undoes INTEGER                         -- the change of the same video that this one took back
) STRICT;

INSERT INTO changes_next (id, at, video_id, what, old, new, client, undoes)
SELECT id, at, video_id, what, old, new, client, undoes FROM changes;

DROP TABLE changes;

ALTER TABLE changes_next RENAME TO changes;

CREATE INDEX changes_of_video ON changes (video_id);
CREATE INDEX changes_by_client ON changes (client);
CREATE INDEX changes_by_kind ON changes (what) WHERE what <> 'view';
CREATE INDEX changes_undoing ON changes (undoes) WHERE undoes IS NOT NULL;
CREATE INDEX changes_views ON changes (at) WHERE what = 'view';
