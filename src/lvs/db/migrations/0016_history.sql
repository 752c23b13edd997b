-- What was played on which day, one line for each film and day.
CREATE TABLE history (
    id INTEGER PRIMARY KEY,
    person_id INTEGER NOT NULL DEFAULT 0,  -- 0: the household
    day TEXT NOT NULL,                     -- in the server's time zone, 2026-11-22
    video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,                   -- when it was played last on that day
    UNIQUE (person_id, day, video_id)
) STRICT;

CREATE INDEX history_at ON history (person_id, at, id);
CREATE INDEX history_of_video ON history (video_id);

CREATE TRIGGER history_kept AFTER INSERT ON history WHEN NEW.id % 1000 = 0 BEGIN
    DELETE FROM history WHERE id <= NEW.id - 100000;
END;

-- What a person chose for themselves, by name: whether the history is written, languages, the start page.
CREATE TABLE preferences (
    person_id INTEGER NOT NULL,            -- 0: the household
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (person_id, name)
) STRICT, WITHOUT ROWID;
