-- Words inside of words are told apart in every script, and behind capitals, as lvs/text.py does now.
UPDATE search SET
    title = (SELECT searchable(g.title) FROM gallery g WHERE g.video_id = search.rowid),
    path = (SELECT group_concat(searchable(f.path), ' ')
        FROM (SELECT f.path FROM files f JOIN roots r ON r.id = f.root_id
            WHERE f.video_id = search.rowid AND f.missing_since IS NULL AND r.active ORDER BY f.id) f),
    tags = searchable((SELECT coalesce(group_concat(words, ' '), '')
        FROM (SELECT t.name || ' ' || t.words AS words FROM video_tags vt JOIN tags t ON t.id = vt.tag_id
            WHERE vt.video_id = search.rowid ORDER BY t.key))),
    notes = searchable(coalesce((SELECT n.text FROM video_notes n WHERE n.video_id = search.rowid), ''))
WHERE rowid IN (SELECT video_id FROM gallery);
