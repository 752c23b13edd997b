-- Folders tell how many films lie in them, and how long these are together.
DROP INDEX gallery_place;

CREATE INDEX gallery_place ON gallery (root_id, path, duration_s, hidden);
