-- What filters ask of a file's content. Derived by db/gallery.py as all of this table is; 0 while unknown.
ALTER TABLE gallery ADD COLUMN recorded_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE gallery ADD COLUMN lines INTEGER NOT NULL DEFAULT 0;       -- 720, 1080 …, by the longer or the shorter side
ALTER TABLE gallery ADD COLUMN playback INTEGER NOT NULL DEFAULT 0;    -- 1: plays in every browser, 2: needs conversion
ALTER TABLE gallery ADD COLUMN silent INTEGER NOT NULL DEFAULT 0;      -- 1: no audio track

UPDATE gallery
SET recorded_at = coalesce(v.recorded_at, 0),
    lines = CASE
        WHEN v.width IS NULL THEN 0
        WHEN min(v.width, v.height) >= 4320 OR max(v.width, v.height) >= 7680 THEN 4320
        WHEN min(v.width, v.height) >= 2160 OR max(v.width, v.height) >= 3840 THEN 2160
        WHEN min(v.width, v.height) >= 1440 OR max(v.width, v.height) >= 2560 THEN 1440
        WHEN min(v.width, v.height) >= 1080 OR max(v.width, v.height) >= 1920 THEN 1080
        WHEN min(v.width, v.height) >= 720 OR max(v.width, v.height) >= 1280 THEN 720
        ELSE min(v.width, v.height) END,
    playback = CASE
        WHEN v.container IS NULL THEN 0
        WHEN v.container = 'mov,mp4,m4a,3gp,3g2,mj2'
            AND (v.video_codec IN ('av1', 'vp9')
                OR v.video_codec = 'h264' AND coalesce(v.pixel_format, 'yuv420p') IN ('yuv420p', 'yuvj420p'))
            AND coalesce(json_extract(v.audio_tracks, '$[0].codec'), 'aac') IN ('aac', 'mp3', 'opus', 'flac') THEN 1
        WHEN v.container = 'matroska,webm' AND CAST(gallery.path AS TEXT) LIKE '%.webm'
            AND v.video_codec IN ('vp8', 'vp9', 'av1')
            AND coalesce(json_extract(v.audio_tracks, '$[0].codec'), 'opus') IN ('opus', 'vorbis') THEN 1
        ELSE 2 END,
    silent = v.container IS NOT NULL AND coalesce(v.audio_tracks, '[]') = '[]'
FROM videos v
WHERE v.id = gallery.video_id AND v.container IS NOT NULL;
