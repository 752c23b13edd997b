-- Lists of videos in an order people gave them; a video may stand in a list more than once.
CREATE TABLE playlists (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE playlist_items (
    playlist_id INTEGER NOT NULL REFERENCES playlists (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,             -- grows along the list; numbers may be left out
    video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    PRIMARY KEY (playlist_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX playlist_items_of_video ON playlist_items (video_id);

-- The names by which the original Local Video Server knew its videos. Each leads to the video it was found to be, or keeps what
-- that video is to get once its file appears (JSON).
CREATE TABLE legacy_names (
    name BLOB PRIMARY KEY,
    video_id INTEGER REFERENCES videos (id) ON DELETE CASCADE,
    waiting TEXT,
    CHECK ((video_id IS NULL) = (waiting IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX legacy_names_of_video ON legacy_names (video_id);
CREATE INDEX legacy_names_waiting ON legacy_names (name) WHERE waiting IS NOT NULL;

-- Places in playlists held for such names.
CREATE TABLE legacy_playlist_items (
    playlist_id INTEGER NOT NULL REFERENCES playlists (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name BLOB NOT NULL,
    PRIMARY KEY (playlist_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX legacy_playlist_items_by_name ON legacy_playlist_items (name);
