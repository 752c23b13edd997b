-- How far a film was watched, and whether to its end. Positions are written every few seconds and stand in no journal.
CREATE TABLE progress (
    person_id INTEGER NOT NULL DEFAULT 0,  -- 0: the household
    video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    position_s REAL NOT NULL DEFAULT 0,    -- 0: at the beginning
    watched INTEGER NOT NULL DEFAULT 0,
    updated_at INTEGER NOT NULL,           -- when the position was reached; a later one wins
    dismissed INTEGER NOT NULL DEFAULT 0,  -- 1: not among the films to go on with, until it is played again
    PRIMARY KEY (person_id, video_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX progress_of_video ON progress (video_id);
CREATE INDEX progress_started ON progress (person_id, updated_at) WHERE position_s > 0 AND NOT dismissed;
