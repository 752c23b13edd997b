-- How far the household watched each video, for cards and filters. Derived by db/gallery.py as all of this table is.
ALTER TABLE gallery ADD COLUMN progress INTEGER NOT NULL DEFAULT 0;    -- percent, 1 to 99; 0: at the beginning
ALTER TABLE gallery ADD COLUMN watched INTEGER NOT NULL DEFAULT 0;

CREATE INDEX gallery_progress ON gallery (progress, video_id) WHERE progress > 0;
CREATE INDEX gallery_watched ON gallery (watched, video_id);
