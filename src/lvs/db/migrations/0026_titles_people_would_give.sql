-- Titles that nobody wrote follow the rules of lvs/titles.py: camera names take their folder's name, episodes are numbered,
-- tags of releases are left out.
UPDATE videos SET title = title_from_path((
    SELECT f.path FROM files f WHERE f.video_id = videos.id
    ORDER BY f.missing_since IS NOT NULL, f.missing_since DESC, NOT f.preferred, f.id LIMIT 1))
WHERE NOT title_edited AND EXISTS (SELECT 1 FROM files f WHERE f.video_id = videos.id);

UPDATE gallery SET
    title = (SELECT v.title FROM videos v WHERE v.id = gallery.video_id),
    title_key = natural_key((SELECT v.title FROM videos v WHERE v.id = gallery.video_id)),
    version = version + 1
WHERE title <> (SELECT v.title FROM videos v WHERE v.id = gallery.video_id);

UPDATE search SET title = (SELECT searchable(g.title) FROM gallery g WHERE g.video_id = search.rowid)
WHERE rowid IN (SELECT video_id FROM gallery);
