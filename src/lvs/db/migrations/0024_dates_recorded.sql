-- The date recorded is an order: as the container says it, else the file's own time, where a camera
-- could have set that (1971 to 2100).
UPDATE gallery SET recorded_at = f.mtime_ns / 1000000
FROM videos v, files f
WHERE v.id = gallery.video_id AND v.recorded_at IS NULL
    AND f.root_id = gallery.root_id AND f.path = gallery.path AND f.missing_since IS NULL
    AND f.mtime_ns BETWEEN 31536000000000000 AND 4133980800000000000;

CREATE INDEX gallery_recorded ON gallery (recorded_at, video_id);
