"""Codec strings (RFC 6381) of pictures and sounds, by which a browser says in advance that it can
play a file.
"""

from collections.abc import Sequence
from typing import NamedTuple

HEVC_SPS, H264_SPS = 33, 7
SOUNDS = {
    "mp3": "mp4a.6B",
    "opus": "opus",
    "vorbis": "vorbis",
    "flac": "flac",
    "ac3": "ac-3",
    "eac3": "ec-3",
    "alac": "alac",
    "dts": "dtsc",
    "amr_nb": "samr",
    "amr_wb": "sawb",
}
PICTURES = {
    "vp8": "vp8",
    "theora": "theora",
    "h263": "s263",
    "mpeg4": "mp4v.20.9",
    "mjpeg": "mjpg",
    "prores": "apcn",
}
# Levels of VP9 (webmproject.org, "VP9 Levels"): samples of a picture at most, samples a second at
# most.
VP9_LEVELS = (
    (10, 36_864, 829_440),
    (11, 73_728, 2_764_800),
    (20, 122_880, 4_608_000),
    (21, 245_760, 9_216_000),
    (30, 552_960, 20_736_000),
    (31, 983_040, 36_864_000),
    (40, 2_228_224, 83_558_400),
    (41, 2_228_224, 160_432_128),
    (50, 8_912_896, 311_951_360),
    (51, 8_912_896, 588_251_136),
    (52, 8_912_896, 1_176_502_272),
    (60, 35_651_584, 1_176_502_272),
    (61, 35_651_584, 2_353_004_544),
)


class PictureFormat(NamedTuple):
    """Properties of a picture track that its codec string depends on.

    Sizes in points, rate in frames a second.
    """

    codec: str
    extradata: bytes = b""
    bit_depth: int = 8
    width: int = 0
    height: int = 0
    frame_rate: float = 30.0
    profile: str = ""


def picture_string(picture: PictureFormat) -> str:
    """Codec string of a picture track; the codec's own name where the field has none, so that no
    browser accepts it.
    """
    if picture.codec == "h264":
        return _avc(picture.extradata)
    if picture.codec == "hevc":
        return _hevc(picture.extradata)
    if picture.codec == "av1":
        return _av1(picture)
    if picture.codec == "vp9":
        return _vp9(picture)
    return PICTURES.get(picture.codec, picture.codec)


def sound_string(codec: str, extradata: bytes = b"") -> str:
    """Codec string of a sound track; the codec's own name where the field has none."""
    if codec == "aac":
        return f"mp4a.40.{_aac_object_type(extradata)}"
    return SOUNDS.get(codec, codec)


def _avc(extradata: bytes) -> str:
    """`avc1.PPCCLL` (ISO/IEC 14496-15, Annex E): profile, constraints and level of the first
    parameter set.
    """
    if extradata[:1] == b"\x01" and len(extradata) >= 4:
        return f"avc1.{extradata[1:4].hex()}"
    sps = _annex_b_unit(extradata, H264_SPS)
    return f"avc1.{sps[1:4].hex()}" if len(sps) >= 4 else "avc1"


def _hevc(extradata: bytes) -> str:
    """`hvc1.…` (ISO/IEC 14496-15, Annex E.3) from the twelve bytes of profile, tier and level."""
    if extradata[:1] == b"\x01" and len(extradata) >= 13:
        return _hevc_profile(extradata[1:13])
    sps = _without_emulation(_annex_b_unit(extradata, HEVC_SPS))
    return _hevc_profile(sps[3:15]) if len(sps) >= 15 else "hvc1"


def _hevc_profile(profile: bytes) -> str:
    space = ("", "A", "B", "C")[profile[0] >> 6]
    tier = "H" if profile[0] & 0x20 else "L"
    compatible = int(f"{int.from_bytes(profile[1:5], 'big'):032b}"[::-1], 2)
    constraints = profile[5:11].rstrip(b"\0")
    parts = ["hvc1", f"{space}{profile[0] & 0x1F}", f"{compatible:x}", f"{tier}{profile[11]}"]
    return ".".join([*parts, *(f"{byte:x}" for byte in constraints)])


def _av1(picture: PictureFormat) -> str:
    """`av01.P.LLT.DD` (AV1 Codec ISO Media File Format Binding, section 5)."""
    box = picture.extradata
    if box[:1] != b"\x81" or len(box) < 4:
        return f"av01.0.08M.{picture.bit_depth:02}"
    profile, level = box[1] >> 5, box[1] & 0x1F
    tier = "H" if box[2] & 0x80 else "M"
    depth = (12 if box[2] & 0x20 else 10) if box[2] & 0x40 else 8
    return f"av01.{profile}.{level:02}{tier}.{depth:02}"


def _vp9(picture: PictureFormat) -> str:
    """`vp09.PP.LL.DD` (VP Codec ISO Media File Format Binding)."""
    digits = "".join(letter for letter in picture.profile if letter.isdigit())
    profile = int(digits or (2 if picture.bit_depth > 8 else 0))
    return f"vp09.{profile:02}.{_vp9_level(picture)}.{picture.bit_depth:02}"


def _vp9_level(picture: PictureFormat) -> int:
    samples = picture.width * picture.height
    rate = samples * max(1.0, picture.frame_rate)
    return next(
        (level for level, size, speed in VP9_LEVELS if samples <= size and rate <= speed), 62
    )


def _aac_object_type(config: bytes) -> int:
    """Object type of an AudioSpecificConfig (ISO/IEC 14496-3, section 1.6.2.1); 2, low complexity,
    where there is none.
    """
    if len(config) < 2:
        return 2
    first = config[0] >> 3
    return first if first != 31 else 32 + (int.from_bytes(config[:2], "big") >> 5 & 0x3F)


def _annex_b_unit(stream: bytes, wanted: int) -> bytes:
    """First unit of that type between the start codes of a byte stream, with its header; empty
    where there is none.
    """
    for part in stream.split(b"\0\0\1")[1:]:
        kind = (part[0] >> 1 & 0x3F if wanted == HEVC_SPS else part[0] & 0x1F) if part else None
        if kind == wanted:
            return part
    return b""


def _without_emulation(unit: bytes) -> bytes:
    return unit.replace(b"\0\0\3", b"\0\0")


WEBM_PICTURES, WEBM_SOUNDS = frozenset({"vp8", "vp9", "av1"}), frozenset({"opus", "vorbis"})


def source_type(media_type: str, codec: str, strings: Sequence[str], sound: str = "") -> str:
    """The `type` of a `<source>`: media type and codec strings (RFC 6381, section 3.1).

    Browsers play QuickTime and Matroska files by the names that these have as MP4 and WebM.
    """
    if media_type in ("video/quicktime", "video/3gpp"):
        media_type = "video/mp4"
    if media_type == "video/x-matroska" and codec in WEBM_PICTURES and sound in {"", *WEBM_SOUNDS}:
        media_type = "video/webm"
    known = ", ".join(filter(None, strings))
    return f'{media_type}; codecs="{known}"' if known else media_type
