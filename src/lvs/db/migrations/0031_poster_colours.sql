-- The mean colour of each poster, which stands in its place until the picture is there.
CREATE TABLE poster_colours (
    poster TEXT PRIMARY KEY,               -- as in `videos`
    colour TEXT NOT NULL                   -- three hexadecimal digits: red, green, blue; empty: it cannot be told
) STRICT, WITHOUT ROWID;

ALTER TABLE gallery ADD COLUMN colour TEXT;  -- NULL: not known yet

CREATE INDEX gallery_colourless ON gallery (video_id) WHERE poster IS NOT NULL AND colour IS NULL;
