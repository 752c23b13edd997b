-- What was changed of many videos at once: its lines in the journal stand together as one.
CREATE TABLE bulk_changes (
    id INTEGER PRIMARY KEY,                -- among the ids of changes; its own lines come behind it
    at INTEGER NOT NULL,
    client TEXT NOT NULL,
    summary TEXT NOT NULL,                 -- in words
    videos INTEGER NOT NULL,
    undoes INTEGER                         -- the one that this took back
) STRICT;

CREATE INDEX bulk_changes_undoing ON bulk_changes (undoes) WHERE undoes IS NOT NULL;

ALTER TABLE changes ADD COLUMN bulk INTEGER;

CREATE INDEX changes_of_bulk ON changes (bulk, id) WHERE bulk IS NOT NULL;
CREATE INDEX changes_alone ON changes (id) WHERE bulk IS NULL;

-- Ten thousand videos that get a tag at once are twenty thousand changes: readers are to follow them.
DROP TRIGGER gallery_changes_kept;

CREATE TRIGGER gallery_changes_kept AFTER INSERT ON gallery_changes WHEN NEW.seq % 1000 = 0 BEGIN
    DELETE FROM gallery_changes WHERE seq <= NEW.seq - 30000;
END;
