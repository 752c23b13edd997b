-- The two videos that a handover joined, as they were before (JSON), so that it can be taken back.
CREATE TABLE handovers (
    change_id INTEGER PRIMARY KEY,         -- the line of the journal
    video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    kept TEXT NOT NULL
) STRICT;

CREATE INDEX handovers_of_video ON handovers (video_id);

-- Large copies were compared by places spread over them, and now are by all of them.
UPDATE files SET compared = NULL WHERE compared IS NOT NULL AND size_bytes > 67108864;
