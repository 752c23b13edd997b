-- Places in a film that people named, in another program; they stand for the chapters that its file names.
CREATE TABLE markers (
    video_id INTEGER PRIMARY KEY REFERENCES videos (id) ON DELETE CASCADE,
    chapters TEXT NOT NULL                 -- JSON as in `chapters`: [name, start, end] in milliseconds
) STRICT;
