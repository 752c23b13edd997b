-- Titles that nobody wrote leave out how the picture of a film for headsets is laid out, as lvs/titles.py does now.
UPDATE videos SET title = title_from_path((
    SELECT f.path FROM files f WHERE f.video_id = videos.id
    ORDER BY f.missing_since IS NOT NULL, f.missing_since DESC, NOT f.preferred, f.id LIMIT 1))
WHERE NOT title_edited AND EXISTS (SELECT 1 FROM files f WHERE f.video_id = videos.id);

UPDATE search SET title = (SELECT searchable(v.title) FROM videos v WHERE v.id = search.rowid)
WHERE rowid IN (SELECT g.video_id FROM gallery g JOIN videos v ON v.id = g.video_id WHERE g.title <> v.title);

UPDATE gallery SET
    title = (SELECT v.title FROM videos v WHERE v.id = gallery.video_id),
    title_key = natural_key((SELECT v.title FROM videos v WHERE v.id = gallery.video_id)),
    version = version + 1
WHERE title <> (SELECT v.title FROM videos v WHERE v.id = gallery.video_id);
