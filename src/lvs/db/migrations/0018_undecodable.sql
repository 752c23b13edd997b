-- A third value of `playback`: 1 plays in every browser, 2 needs conversion, 3 cannot be decoded. Interlaced films need conversion.
UPDATE gallery SET playback = 2
WHERE playback = 1 AND video_id IN (SELECT id FROM videos WHERE interlaced);

UPDATE gallery SET playback = 3
WHERE playback = 2 AND video_id IN (SELECT id FROM videos WHERE video_codec NOT IN (
    '8bps', 'av1', 'cinepak', 'dnxhd', 'dvvideo', 'flv1', 'h263', 'h264', 'hevc', 'indeo2', 'indeo3',
    'indeo4', 'indeo5', 'mjpeg', 'mpeg1video', 'mpeg2video', 'mpeg4', 'msmpeg4v1', 'msmpeg4v2', 'msmpeg4v3',
    'msrle', 'msvideo1', 'prores', 'qtrle', 'rpza', 'rv10', 'rv20', 'rv30', 'rv40', 'smc', 'svq1', 'svq3',
    'theora', 'vc1', 'vp6', 'vp6a', 'vp6f', 'vp8', 'vp9', 'wmv1', 'wmv2', 'wmv3'));
