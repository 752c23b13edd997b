-- Videos that were put out of sight: they stand in no list unless it is asked for them.
CREATE TABLE hidden (
    video_id INTEGER PRIMARY KEY REFERENCES videos (id) ON DELETE CASCADE,
    hidden_at INTEGER NOT NULL
) STRICT;

-- A text that people wrote about a video.
CREATE TABLE video_notes (
    video_id INTEGER PRIMARY KEY REFERENCES videos (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

ALTER TABLE gallery ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;  -- derived by db/gallery.py

CREATE INDEX gallery_hidden ON gallery (video_id) WHERE hidden;

-- Notes are found by the search. The index is filled anew from what it is derived of.
DROP TABLE search;

CREATE VIRTUAL TABLE search USING fts5 (
    title, path, tags, notes,
    tokenize = "unicode61 remove_diacritics 2 categories 'L* M* N* S* Co'",
    prefix = '2 3'
);

INSERT INTO search (rowid, title, path, tags, notes)
SELECT g.video_id, searchable(g.title),
    (SELECT group_concat(searchable(f.path), ' ') FROM files f JOIN roots r ON r.id = f.root_id
     WHERE f.video_id = g.video_id AND f.missing_since IS NULL AND r.active),
    searchable(coalesce((SELECT group_concat(value, ' ') FROM json_each(g.tags)), '')), ''
FROM gallery g;

-- Tags and folders count what is in sight.
DROP TRIGGER gallery_row_added;

CREATE TRIGGER gallery_row_added AFTER INSERT ON gallery WHEN NOT EXISTS (SELECT 1 FROM adding_many) BEGIN
    INSERT INTO gallery_changes (what, video_id) VALUES ('place', NEW.video_id);
    UPDATE tags SET listed = listed + 1
    WHERE NOT NEW.hidden AND id IN (SELECT tag_id FROM video_tags WHERE video_id = NEW.video_id);
    INSERT INTO folder_counts (root_id, folder, videos)
    SELECT NEW.root_id, substr(NEW.path, 1, instr(NEW.path, x'2f') - 1), 1
    WHERE NOT NEW.hidden AND instr(NEW.path, x'2f') > 0
    ON CONFLICT DO UPDATE SET videos = videos + 1;
END;

DROP TRIGGER gallery_row_removed;

CREATE TRIGGER gallery_row_removed AFTER DELETE ON gallery BEGIN
    INSERT INTO gallery_changes (what, video_id) VALUES ('place', OLD.video_id);
    UPDATE tags SET listed = listed - 1
    WHERE NOT OLD.hidden AND id IN (SELECT tag_id FROM video_tags WHERE video_id = OLD.video_id);
    UPDATE folder_counts SET videos = videos - 1
    WHERE NOT OLD.hidden AND root_id = OLD.root_id
        AND folder = substr(OLD.path, 1, instr(OLD.path, x'2f') - 1) AND instr(OLD.path, x'2f') > 0;
END;

DROP TRIGGER gallery_row_moved;

CREATE TRIGGER gallery_row_moved AFTER UPDATE OF root_id, path, hidden ON gallery
WHEN (OLD.root_id, OLD.path, OLD.hidden) IS NOT (NEW.root_id, NEW.path, NEW.hidden) BEGIN
    UPDATE folder_counts SET videos = videos - 1
    WHERE NOT OLD.hidden AND root_id = OLD.root_id
        AND folder = substr(OLD.path, 1, instr(OLD.path, x'2f') - 1) AND instr(OLD.path, x'2f') > 0;
    INSERT INTO folder_counts (root_id, folder, videos)
    SELECT NEW.root_id, substr(NEW.path, 1, instr(NEW.path, x'2f') - 1), 1
    WHERE NOT NEW.hidden AND instr(NEW.path, x'2f') > 0
    ON CONFLICT DO UPDATE SET videos = videos + 1;
END;

-- A change of a tag that names none tells readers that the counts of tags and folders are others now.
CREATE TRIGGER gallery_row_hidden AFTER UPDATE OF hidden ON gallery WHEN OLD.hidden <> NEW.hidden BEGIN
    INSERT INTO gallery_changes (what, video_id) VALUES ('tag', NEW.video_id);
    UPDATE tags SET listed = listed + CASE WHEN NEW.hidden THEN -1 ELSE 1 END
    WHERE id IN (SELECT tag_id FROM video_tags WHERE video_id = NEW.video_id);
END;

DROP TRIGGER video_tag_added;

CREATE TRIGGER video_tag_added AFTER INSERT ON video_tags BEGIN
    INSERT INTO gallery_changes (what, video_id, tag_id) VALUES ('tag', NEW.video_id, NEW.tag_id);
    UPDATE tags SET listed = listed + 1
    WHERE id = NEW.tag_id
        AND EXISTS (SELECT 1 FROM gallery WHERE video_id = NEW.video_id AND NOT hidden);
END;

DROP TRIGGER video_tag_removed;

CREATE TRIGGER video_tag_removed AFTER DELETE ON video_tags BEGIN
    INSERT INTO gallery_changes (what, video_id, tag_id) VALUES ('tag', OLD.video_id, OLD.tag_id);
    UPDATE tags SET listed = listed - 1
    WHERE id = OLD.tag_id
        AND EXISTS (SELECT 1 FROM gallery WHERE video_id = OLD.video_id AND NOT hidden);
END;

-- What a search finds may be another thing now.
CREATE TRIGGER notes_added AFTER INSERT ON video_notes BEGIN
    INSERT INTO gallery_changes (what, video_id) VALUES ('text', NEW.video_id);
END;

CREATE TRIGGER notes_changed AFTER UPDATE ON video_notes BEGIN
    INSERT INTO gallery_changes (what, video_id) VALUES ('text', NEW.video_id);
END;

CREATE TRIGGER notes_removed AFTER DELETE ON video_notes BEGIN
    INSERT INTO gallery_changes (what, video_id) VALUES ('text', OLD.video_id);
END;
