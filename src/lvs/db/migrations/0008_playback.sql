-- What browsers are told of a film before they play it: its codec string (RFC 6381), and what else decides how it is played.
ALTER TABLE videos ADD COLUMN codec_string TEXT;
ALTER TABLE videos ADD COLUMN interlaced INTEGER NOT NULL DEFAULT 0;
ALTER TABLE videos ADD COLUMN transfer TEXT;

-- Everything is probed once more in the background, for these columns, and because more kinds of films can be read now.
UPDATE videos SET looked_fingerprint = NULL, attempts = 0 WHERE looked_fingerprint IS NOT NULL;
