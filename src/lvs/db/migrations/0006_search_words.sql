-- Symbols and emoji are words, and letters are folded before they come to the index. The index is filled anew from the gallery.
DROP TABLE search;

CREATE VIRTUAL TABLE search USING fts5 (
    title, path, tags,
    tokenize = "unicode61 remove_diacritics 2 categories 'L* M* N* S* Co'",
    prefix = '2 3'
);

INSERT INTO search (rowid, title, path, tags)
SELECT g.video_id, searchable(g.title), searchable(g.path),
    searchable(coalesce((SELECT group_concat(value, ' ') FROM json_each(g.tags)), ''))
FROM gallery g;
