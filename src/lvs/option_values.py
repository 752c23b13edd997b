"""Readers of option values.

Each takes text (a flag, the environment, `.env`) or a value of JSON, and raises ValueError with
what it must be. Pydantic's own readers of numbers and switches take `true` for 1 and `1_0` for 10.
"""

import ipaddress
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from pydantic import SecretStr

from lvs.worker_address import LOCAL, parse_worker_address

HEADSET_WRITES = ("rating", "favorite", "tags")
_SWITCH = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]{1,60}){1,5}", re.ASCII)
REPLICA_SCHEMES = ("file", "sftp", "s3")
_MDNS_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,58}[a-z0-9])?", re.ASCII)
_HOST_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?", re.ASCII)
_WHOLE_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_RATE_LIMIT = re.compile(r"([0-9]{1,6})/([0-9]{1,6})", re.ASCII)
_FORMAT = re.compile(r"\.?([a-z0-9]{1,10})", re.ASCII)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class RateLimit(Struct, frozen=True):
    """At most `count` requests of one visitor within `seconds`."""

    count: int
    seconds: int

    def __str__(self) -> str:
        return f"{self.count}/{self.seconds}"


def whole_number(low: int, high: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value.strip()):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return value

    return read


def seconds(low: float, high: float) -> Callable[[object], float]:
    def read(value: object) -> float:
        if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            value = float(value)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            raise ValueError(f"must be a number of seconds from {low:g} to {high:g}")
        return float(value)

    return read


def switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    known = _SWITCH.get(value.strip().lower()) if isinstance(value, str) else None
    if known is None:
        raise ValueError("must be true or false")
    return known


def one_of(*words: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        word = value.strip().lower() if isinstance(value, str) else ""
        if word not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return word

    return read


def absolute_path(value: object, base: Path | None = None) -> Path:
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else ""
    if not text.strip() or "\0" in text:
        raise ValueError("must be a path")
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise ValueError("must be a path whose home folder is known") from None
    return Path(os.path.abspath((base or Path()) / path))


def absolute_paths(value: object) -> tuple[Path, ...]:
    items = [value] if isinstance(value, str | os.PathLike) else value
    if not isinstance(items, list | tuple):
        raise ValueError("must be a path or a list of paths")
    return tuple(dict.fromkeys(absolute_path(item) for item in items))


def items(
    read: Callable[[str], Any], allowed: str, least: int = 0
) -> Callable[[object], tuple[Any, ...]]:
    """A reader of a list, or of text with commas, whose items `read` takes or refuses with
    ValueError; `least` says how many.
    """

    def read_all(value: object) -> tuple[Any, ...]:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list | tuple):
            raise ValueError(f"must be a list of {allowed}")
        found = []
        for item in items:
            text = str(item).strip()
            if text or not isinstance(value, str):
                try:
                    found.append(read(text))
                except ValueError:
                    raise ValueError(
                        f"must hold only {allowed}, which {quoted(text)} is not"
                    ) from None
        if len(found) < least:
            raise ValueError(f"must hold at least {least} of {allowed}")
        return tuple(dict.fromkeys(found))

    return read_all


def file_name(value: object) -> str:
    """The absolute path as text; empty where there is none."""
    return "" if value == "" else str(absolute_path(value))


def secret(value: object) -> SecretStr:
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, str):
        raise ValueError("must be text")
    return SecretStr(value)


def file_format(text: str) -> str:
    match = _FORMAT.fullmatch(text.lower())
    if not match:
        raise ValueError
    return f".{match[1]}"


def host_name(text: str) -> str:
    """A host name or address as it stands in a `Host` header, without port, in lower case."""
    name = text.strip().lower().removesuffix(".").removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        name = name.encode("idna").decode(
            "ascii"
        )  # UnicodeError, when it is no name, is a ValueError
    if len(name) > 253 or not all(_HOST_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError
    return name


def origin(text: str) -> str:
    """An origin as browsers write it (RFC 6454 section 6.2): scheme and host, and the port where it
    is not the scheme's own.
    """
    if text == "*":
        return text
    parts = urlsplit(text)
    if (
        parts.scheme not in {"http", "https"}
        or parts.path not in {"", "/"}
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        raise ValueError
    host = host_name(parts.hostname or "")
    port = (
        "" if parts.port in {None, {"http": 80, "https": 443}[parts.scheme]} else f":{parts.port}"
    )
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def headset_write(text: str) -> str:
    if text.lower() not in HEADSET_WRITES:
        raise ValueError
    return text.lower()


def folder_name(text: str) -> str:
    """A folder's name, which may hold the wildcards of shells."""
    if not 0 < len(text) <= 255 or any(each in text for each in "/\\\0") or text.count("*") > 4:
        raise ValueError
    return text


def network(text: str) -> Network:
    return ipaddress.ip_network(text, strict=False)


def listening_host(value: object) -> str:
    try:
        return host_name(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(
            "must be an address or a host name of this machine, such as 0.0.0.0, :: or localhost"
        ) from None


def rate_limit(value: object) -> RateLimit | None:
    if value is None or isinstance(value, RateLimit):
        return value
    text = str(value).strip()
    if text == "0" and not isinstance(value, bool):
        return None
    match = _RATE_LIMIT.fullmatch(text)
    limit = RateLimit(int(match[1]), int(match[2])) if match else RateLimit(0, 0)
    if not (limit.count and limit.seconds):
        raise ValueError("must be COUNT/SECONDS such as 30/10, or 0 for no limit")
    return limit


def announced_name(value: object) -> str:
    """The name to announce in lower case; empty where nothing is to be announced."""
    text = value.strip().lower().removesuffix(".local") if isinstance(value, str) else None
    if value is False or text in ("", "off", "no", "false"):
        return ""
    if text is None or not _MDNS_NAME.fullmatch(text):
        raise ValueError("must be a name of letters, digits and hyphens such as lvs, or off")
    return text


def public_url(value: object) -> str:
    """The address without a trailing slash; empty where none is set."""
    text = value.strip().rstrip("/") if isinstance(value, str) else ""
    parts = urlsplit(text)
    usable = (
        parts.scheme in {"http", "https"}
        and parts.hostname
        and not (parts.query or parts.fragment or parts.username)
    )
    if value != "" and not usable:
        raise ValueError("must be an address such as http://192.168.1.5:8900")
    return text


def root_path(value: object) -> str:
    """The prefix of every address, such as `/lvs`; empty where there is none."""
    text = value.strip().rstrip("/") if isinstance(value, str) else None
    if text is None or (text and not ROOT_PATH.fullmatch(text)):
        raise ValueError("must be a path such as /lvs")
    return text


def valid_replica(text: str) -> str:
    """The address of a replica as given; empty for none. Raises ValueError where it is none."""
    text = text.strip()
    parts = urlsplit(text)
    if not text:
        return ""
    if parts.scheme not in REPLICA_SCHEMES or not parts.path.strip("/"):
        raise ValueError(
            "must be an address such as file:///mnt/usb/lvs, sftp://me@nas/lvs or s3://bucket/lvs"
        )
    if parts.password is not None:
        raise ValueError(
            "must hold no password; SFTP signs in with a key, S3 with AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY"
        )
    if parts.scheme == "file" and parts.netloc:
        raise ValueError("must have three slashes after file:, as in file:///mnt/usb/lvs")
    if parts.scheme == "sftp" and not (parts.username and parts.hostname):
        raise ValueError("must name the user and the host, as in sftp://me@nas/lvs")
    return text


def replica(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be an address such as file:///mnt/usb/lvs")
    return valid_replica(value)


def worker(text: str) -> str:
    """`local`, or the address of a machine that lends worker processes, as given."""
    if text.lower() == LOCAL:
        return LOCAL
    parse_worker_address(text)
    return text


def quoted(value: object) -> str:
    """The value as it was given, on one line and not longer than a person reads."""
    text = repr(str(value) if isinstance(value, Path) else value)
    return text if len(text) <= 120 else f"{text[:100]}…"
