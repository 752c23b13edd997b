-- What words such as no:tags and has:subtitles ask for.
ALTER TABLE gallery ADD COLUMN tagged INTEGER NOT NULL GENERATED ALWAYS AS (tags <> '[]') VIRTUAL;
ALTER TABLE gallery ADD COLUMN subtitled INTEGER NOT NULL DEFAULT 0;   -- 1: subtitles inside the file

UPDATE gallery SET subtitled = 1
FROM videos v
WHERE v.id = gallery.video_id AND coalesce(v.subtitle_tracks, '[]') <> '[]';

-- Every word of the search with the number of videos that hold it.
CREATE VIRTUAL TABLE search_words USING fts5vocab(search, row);
