-- A scan adds thousands of videos at once. While it does, there is a row in this table, in the same transaction, and what the
-- trigger below does for each video is done for all of them together.
CREATE TABLE adding_many (
    only INTEGER PRIMARY KEY CHECK (only = 1)
) STRICT;

DROP TRIGGER gallery_row_added;

CREATE TRIGGER gallery_row_added AFTER INSERT ON gallery WHEN NOT EXISTS (SELECT 1 FROM adding_many) BEGIN
    INSERT INTO gallery_changes (what, video_id) VALUES ('place', NEW.video_id);
    UPDATE tags SET listed = listed + 1 WHERE id IN (SELECT tag_id FROM video_tags WHERE video_id = NEW.video_id);
    INSERT INTO folder_counts (root_id, folder, videos)
    SELECT NEW.root_id, substr(NEW.path, 1, instr(NEW.path, x'2f') - 1), 1 WHERE instr(NEW.path, x'2f') > 0
    ON CONFLICT DO UPDATE SET videos = videos + 1;
END;

-- As before, but where nothing is forgotten one look says so, and the video's row is left alone.
DROP TRIGGER forgotten_file_added;

CREATE TRIGGER forgotten_file_added AFTER INSERT ON files
WHEN NEW.missing_since IS NULL AND EXISTS (SELECT 1 FROM videos WHERE forgotten_at IS NOT NULL) BEGIN
    UPDATE videos SET forgotten_at = NULL, nights_forgotten = 0 WHERE id = NEW.video_id AND forgotten_at IS NOT NULL;
END;

-- Every scan asks what left its place lately; most files did not.
CREATE INDEX files_missing ON files (missing_since) WHERE missing_since IS NOT NULL;
