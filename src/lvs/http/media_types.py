"""The media type a video file is sent as.

None of them is one that a browser would run or render as a page.
"""

from lvs.models import display_path

UNKNOWN = "application/octet-stream"

BY_EXTENSION = {
    "mp4": "video/mp4",
    "m4v": "video/mp4",
    "mov": "video/quicktime",
    "3gp": "video/3gpp",
    "3g2": "video/3gpp",
    "f4v": "video/mp4",
    "divx": "video/x-msvideo",
    "vob": "video/mpeg",
    "m1v": "video/mpeg",
    "m2v": "video/mpeg",
    "rm": "application/vnd.rn-realmedia",
    "rmvb": "application/vnd.rn-realmedia",
    "mxf": "application/mxf",
    "dv": "video/x-dv",
    "wtv": "video/x-ms-wtv",
    "webm": "video/webm",
    "mkv": "video/x-matroska",
    "avi": "video/x-msvideo",
    "ts": "video/mp2t",
    "mts": "video/mp2t",
    "m2ts": "video/mp2t",
    "mpg": "video/mpeg",
    "mpeg": "video/mpeg",
    "wmv": "video/x-ms-wmv",
    "asf": "video/x-ms-asf",
    "flv": "video/x-flv",
    "ogv": "video/ogg",
    "ogg": "video/ogg",
}

MEDIA_TYPES = frozenset(BY_EXTENSION.values())

# What a container that a probe named may be sent as; the first where the extension says none of
# them.
BY_CONTAINER = {
    "mov,mp4,m4a,3gp,3g2,mj2": ("video/mp4", "video/quicktime", "video/3gpp"),
    "matroska,webm": ("video/x-matroska", "video/webm"),
    "avi": ("video/x-msvideo",),
    "mpegts": ("video/mp2t",),
    "mpeg": ("video/mpeg",),
    "mpegvideo": ("video/mpeg",),
    "asf": ("video/x-ms-asf", "video/x-ms-wmv"),
    "flv": ("video/x-flv",),
    "ogg": ("video/ogg",),
}


def media_type(path: bytes, container: str | None = None) -> str:
    """Media type of the file at `path`: what its extension says, unless `container` (the probe's
    name for it) says otherwise.
    """
    _, dot, extension = display_path(path).rpartition(".")
    by_extension = BY_EXTENSION.get(extension.lower(), UNKNOWN) if dot else UNKNOWN
    possible = BY_CONTAINER.get(container or "", (by_extension,))
    return by_extension if by_extension in possible else possible[0]
