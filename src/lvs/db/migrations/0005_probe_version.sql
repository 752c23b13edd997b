-- The version of the probe that looked into the video last: a failure of another version is tried again.
ALTER TABLE videos ADD COLUMN probe_version TEXT;
