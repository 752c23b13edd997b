-- Who watches. Nobody at first; the household is person 0 and has no row.
CREATE TABLE people (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    key TEXT NOT NULL UNIQUE,              -- what two spellings of a name share; of a removed person a free one
    secret TEXT NOT NULL,                  -- signs the cookies by which devices know this person
    pin TEXT NOT NULL DEFAULT '',          -- argon2; empty: none
    limits TEXT,                           -- JSON: {"tags": [...], "folders": [...]}; NULL: sees everything
    start_page TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    removed_at INTEGER
) STRICT;
