"""Facts about the media kept outside of the project."""

from support.places import SHARED

MEDIA = SHARED / "media"

MANIFEST = MEDIA / "MANIFEST.tsv"

# Where the manifest repeats a claim of the file that is wrong, or counts otherwise: what a player
# shows.
DURATIONS_S = {
    "bad/huge-claimed-duration.mp4": 1.001,
    "edge/fragmented-bogus-duration.mp4": 1.068,
    # the manifest's figure is that of the last subtitle
    "containers/two-audio-two-subs.mp4": 13.056,
    "edge/no-duration.webm": 4.938,  # the container says nothing
}

DISPLAYED = {
    "codecs/hevc-hlg-dolby-vision.mp4": (1080, 1920),
    "phone/android-rot90-720p.mp4": (720, 1280),
    "phone/iphone-gps-rot90.mov": (320, 568),
    "phone/portrait-4k60.mp4": (2160, 3840),
    "edge/anamorphic-sar-2x1.mp4": (1280, 360),
    "edge/one-frame.mp4": (1138, 480),
    "containers/h263-amr.3gp": (192, 144),
    "containers/mpeg1-ps.mpg": (501, 288),
}
