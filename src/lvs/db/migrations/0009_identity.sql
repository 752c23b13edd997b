-- When a further content became the video's (Unix ms; 0: not known), so that what was given can go with the content it was given to.
ALTER TABLE fingerprints ADD COLUMN since INTEGER NOT NULL DEFAULT 0;

-- 1: taken for the video only because it came under its name. If its length says otherwise, they part.
ALTER TABLE fingerprints ADD COLUMN assumed INTEGER NOT NULL DEFAULT 0;

-- The video that lay at its place before, and for which it was taken at first.
ALTER TABLE videos ADD COLUMN parted_from INTEGER;

-- Contents of which more was read than the samples of a fingerprint, because those are alike in many films: black, silence.
CREATE TABLE extended_fingerprints (
    fingerprint TEXT NOT NULL,
    extended TEXT NOT NULL,
    video_id INTEGER NOT NULL REFERENCES videos (id) ON DELETE CASCADE,
    PRIMARY KEY (fingerprint, extended)
) STRICT, WITHOUT ROWID;

CREATE INDEX extended_fingerprints_of_video ON extended_fingerprints (video_id);

-- Places that the gallery does not show for their video, because it shows another one.
ALTER TABLE files ADD COLUMN copy INTEGER NOT NULL DEFAULT 0;

UPDATE files SET copy = 1
WHERE missing_since IS NULL AND NOT EXISTS (
    SELECT 1 FROM gallery g WHERE g.video_id = files.video_id AND g.root_id = files.root_id AND g.path = files.path);

-- The extended fingerprint that was read to compare a place with the other places of its video.
ALTER TABLE files ADD COLUMN compared TEXT;

CREATE INDEX files_copies ON files (video_id) WHERE copy = 1;

-- A folder lists every film that lies in it, so a place that comes or goes concerns the gallery.
CREATE TRIGGER gallery_place_added AFTER INSERT ON files
WHEN NEW.missing_since IS NULL AND EXISTS (SELECT 1 FROM gallery WHERE video_id = NEW.video_id) BEGIN
    INSERT INTO gallery_changes (what, video_id) VALUES ('place', NEW.video_id);
END;

CREATE TRIGGER gallery_place_changed AFTER UPDATE OF video_id, missing_since ON files
WHEN (OLD.video_id, OLD.missing_since) IS NOT (NEW.video_id, NEW.missing_since) BEGIN
    INSERT INTO gallery_changes (what, video_id) VALUES ('place', NEW.video_id);
END;

-- A film is found by the names of all its places.
DELETE FROM search WHERE rowid IN (SELECT video_id FROM files WHERE copy = 1);

INSERT INTO search (rowid, title, path, tags)
SELECT g.video_id, searchable(g.title),
    (SELECT group_concat(searchable(f.path), ' ') FROM files f JOIN roots r ON r.id = f.root_id
     WHERE f.video_id = g.video_id AND f.missing_since IS NULL AND r.active),
    searchable(coalesce((SELECT group_concat(value, ' ') FROM json_each(g.tags)), ''))
FROM gallery g
WHERE g.video_id IN (SELECT video_id FROM files WHERE copy = 1);
