"""Options: their names, defaults, sources and error messages.

Flags win over the environment (`LVS_PORT`), that over `.env`, that over `config.json`, that over
the defaults. `load` tells with every value where it came from. docs/configuration.md describes each
option; a test keeps the two in step.
"""

import difflib
import ipaddress
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from lvs.worker_address import LOCAL, parse_worker_address

PREFIX = "LVS_"
VIDEO_FORMATS = (
    *(".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".ts", ".mts", ".m2ts"),
    *(".mpg", ".mpeg", ".wmv", ".asf", ".flv", ".ogv", ".ogg", ".3gp", ".3g2"),
    *(".vob", ".f4v", ".divx", ".rmvb", ".rm", ".mxf", ".dv", ".wtv", ".m1v", ".m2v"),
)
HEADSET_WRITES = ("rating", "favorite", "tags")
# What NAS systems, Windows, macOS and file systems keep beside people's files. Names that begin
# with a dot are passed over anyway.
IGNORED_FOLDERS = (
    *("@eaDir", "#recycle", "#snapshot", "@tmp", "@sharebin", "@SynoResource"),
    *("@Recycle", "@Recently-Snapshot", "@__thumb", "~snapshot"),
    *("$RECYCLE.BIN", "RECYCLER", "RECYCLED", "System Volume Information", "found.[0-9][0-9][0-9]"),
    *("lost+found", "Network Trash Folder", "Temporary Items"),
)
CONFIG_FILE_LIMIT_BYTES = 1024 * 1024

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


class ConfigError(Exception):
    """The configuration cannot be used; `sentences` says for each mistake where and what it is."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `count` requests of one visitor within `seconds`."""

    count: int
    seconds: int

    def __str__(self) -> str:
        return f"{self.count}/{self.seconds}"


# --- Validators of one value, which is text (flag, environment, .env) or a value of JSON. ---


def _whole_number(low: int, high: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value.strip()):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return value

    return read


def _seconds(low: float, high: float) -> Callable[[object], float]:
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


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    known = _SWITCH.get(value.strip().lower()) if isinstance(value, str) else None
    if known is None:
        raise ValueError("must be true or false")
    return known


def _one_of(*words: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        word = value.strip().lower() if isinstance(value, str) else ""
        if word not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return word

    return read


def _path(value: object, base: Path | None = None) -> Path:
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else ""
    if not text.strip() or "\0" in text:
        raise ValueError("must be a path")
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise ValueError("must be a path whose home folder is known") from None
    return Path(os.path.abspath((base or Path()) / path))


def _paths(value: object) -> tuple[Path, ...]:
    items = [value] if isinstance(value, str | os.PathLike) else value
    if not isinstance(items, list | tuple):
        raise ValueError("must be a path or a list of paths")
    return tuple(dict.fromkeys(_path(item) for item in items))


def _items(
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
                        f"must hold only {allowed}, which {_quoted(text)} is not"
                    ) from None
        if len(found) < least:
            raise ValueError(f"must hold at least {least} of {allowed}")
        return tuple(dict.fromkeys(found))

    return read_all


def _file_name(value: object) -> str:
    """The absolute path as text; empty where there is none."""
    return "" if value == "" else str(_path(value))


def _secret(value: object) -> SecretStr:
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, str):
        raise ValueError("must be text")
    return SecretStr(value)


def _format(text: str) -> str:
    match = _FORMAT.fullmatch(text.lower())
    if not match:
        raise ValueError
    return f".{match[1]}"


def _host_name(text: str) -> str:
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


def _origin(text: str) -> str:
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
    host = _host_name(parts.hostname or "")
    port = (
        "" if parts.port in {None, {"http": 80, "https": 443}[parts.scheme]} else f":{parts.port}"
    )
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def _headset_write(text: str) -> str:
    if text.lower() not in HEADSET_WRITES:
        raise ValueError
    return text.lower()


def _folder_name(text: str) -> str:
    """A folder's name, which may hold the wildcards of shells."""
    if not 0 < len(text) <= 255 or any(each in text for each in "/\\\0") or text.count("*") > 4:
        raise ValueError
    return text


def _network(text: str) -> Network:
    return ipaddress.ip_network(text, strict=False)


def _listening_host(value: object) -> str:
    try:
        return _host_name(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(
            "must be an address or a host name of this machine, such as 0.0.0.0, :: or localhost"
        ) from None


def _rate_limit(value: object) -> RateLimit | None:
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


def _announced_name(value: object) -> str:
    """The name to announce in lower case; empty where nothing is to be announced."""
    text = value.strip().lower().removesuffix(".local") if isinstance(value, str) else None
    if value is False or text in ("", "off", "no", "false"):
        return ""
    if text is None or not _MDNS_NAME.fullmatch(text):
        raise ValueError("must be a name of letters, digits and hyphens such as lvs, or off")
    return text


def _public_url(value: object) -> str:
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


def _root_path(value: object) -> str:
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


def _replica(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be an address such as file:///mnt/usb/lvs")
    return valid_replica(value)


def _worker(text: str) -> str:
    """`local`, or the address of a machine that lends worker processes, as given."""
    if text.lower() == LOCAL:
        return LOCAL
    parse_worker_address(text)
    return text


Switch = Annotated[bool, BeforeValidator(_switch)]
SomePath = Annotated[Path, BeforeValidator(_path)]


class Config(BaseSettings):
    """Every option with its value.

    Made directly it reads nothing from outside; `load` gathers what the household has set.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, enable_decoding=False, frozen=True, extra="forbid"
    )

    host: Annotated[str, BeforeValidator(_listening_host)] = "0.0.0.0"  # noqa: S104 - a household's server is there for its network
    port: Annotated[int, BeforeValidator(_whole_number(0, 65535))] = 8900
    allowed_hosts: Annotated[
        tuple[str, ...], BeforeValidator(_items(_host_name, "host names without scheme and port"))
    ] = ()
    announce: Annotated[str, BeforeValidator(_announced_name)] = "lvs"
    public_url: Annotated[str, BeforeValidator(_public_url)] = ""
    root_path: Annotated[str, BeforeValidator(_root_path)] = ""
    trusted_proxies: Annotated[
        tuple[Network, ...],
        BeforeValidator(_items(_network, "addresses or networks such as 10.0.0.0/8")),
    ] = ()
    enable_cors: Switch = True
    allowed_origins: Annotated[
        tuple[str, ...],
        BeforeValidator(_items(_origin, "origins such as http://nas.local:3000, or *")),
    ] = ()
    ratings_limit: Annotated[RateLimit | None, BeforeValidator(_rate_limit)] = RateLimit(30, 10)
    writes_limit: Annotated[RateLimit | None, BeforeValidator(_rate_limit)] = RateLimit(200, 10)
    connections_per_client: Annotated[int, BeforeValidator(_whole_number(1, 10_000))] = 120
    streams_per_client: Annotated[int, BeforeValidator(_whole_number(1, 10_000))] = 80

    password: Annotated[SecretStr, BeforeValidator(_secret)] = SecretStr("")
    protect: Annotated[
        Literal["everything", "changes"], BeforeValidator(_one_of("everything", "changes"))
    ] = "everything"
    tls_cert: Annotated[str, BeforeValidator(_file_name)] = ""
    tls_key: Annotated[str, BeforeValidator(_file_name)] = ""
    tls_self_signed: Switch = False
    tls_port: Annotated[int, BeforeValidator(_whole_number(0, 65535))] = 8943
    headset_library: Annotated[Literal["all", "vr"], BeforeValidator(_one_of("all", "vr"))] = "all"
    headset_writes: Annotated[
        tuple[str, ...],
        BeforeValidator(_items(_headset_write, "the words rating, favorite and tags")),
    ] = HEADSET_WRITES

    video_directory: Annotated[tuple[Path, ...], BeforeValidator(_paths)] = ()
    supported_formats: Annotated[
        tuple[str, ...], BeforeValidator(_items(_format, "file extensions such as mp4", least=1))
    ] = VIDEO_FORMATS
    watch: Annotated[
        Literal["auto", "poll", "off"], BeforeValidator(_one_of("auto", "poll", "off"))
    ] = "auto"
    ignored_folders: Annotated[
        tuple[str, ...],
        BeforeValidator(_items(_folder_name, "folder names such as @eaDir, without a slash")),
    ] = IGNORED_FOLDERS
    poll_interval: Annotated[float, BeforeValidator(_seconds(1, 86_400))] = 30.0
    scan_interval: Annotated[float, BeforeValidator(_seconds(0, 31_536_000))] = 3600.0
    settle_seconds: Annotated[float, BeforeValidator(_seconds(0, 3600))] = 3.0

    data_directory: SomePath = Field(
        default_factory=lambda: default_data_folder()  # noqa: PLW0108  defined below
    )
    metadata_db: SomePath = Field(
        default_factory=lambda values: values["data_directory"] / "lvs.db"
    )
    thumbnail_directory: SomePath = Field(
        default_factory=lambda values: values["data_directory"] / "thumbnails"
    )
    backup_directory: Annotated[str, BeforeValidator(_file_name)] = ""
    replicate: Annotated[str, BeforeValidator(_replica)] = ""

    enable_thumbnails: Switch = True
    thumbnail_workers: Annotated[int, BeforeValidator(_whole_number(0, 64))] = 0
    workers: Annotated[
        tuple[str, ...],
        BeforeValidator(
            _items(_worker, "local and addresses such as ssh://me@desktop?root=/mnt/films", least=1)
        ),
    ] = (LOCAL,)
    feature_previews: Switch = False
    conversion_space: Annotated[int, BeforeValidator(_whole_number(0, 1_000_000))] = 2048

    cache_timeout: Annotated[float, BeforeValidator(_seconds(0, 31_536_000))] = 300.0
    max_cache_size: Annotated[int, BeforeValidator(_whole_number(0, 1_000_000))] = 1000
    stall_seconds: Annotated[float, BeforeValidator(_seconds(1, 86_400))] = 300.0

    enable_perf_log: Switch = False
    log_level: Annotated[
        Literal["debug", "info", "warning", "error", "critical"],
        BeforeValidator(_one_of("debug", "info", "warning", "error", "critical")),
    ] = "info"

    @property
    def speaks_tls(self) -> bool:
        """True where HTTPS is served beside HTTP."""
        return bool(self.tls_cert or self.tls_self_signed)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed counts: `load` reads the other places itself, to know afterwards what
        came from where.
        """
        return (init_settings,)


OPTIONS = tuple(Config.model_fields)
_PATH_OPTIONS = (
    "video_directory",
    "data_directory",
    "metadata_db",
    "thumbnail_directory",
    "tls_cert",
    "tls_key",
    "backup_directory",
)
_FLAGS = {"video_directory": "LIBRARY", "data_directory": "--data"}


@dataclass(frozen=True, slots=True)
class Loaded:
    """The effective configuration, for each option where its value came from, and what people
    should hear about it.
    """

    config: Config
    origins: Mapping[str, str]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Layer:
    """One place where options are set: their values as written, how each is called there, and what
    else stands there.
    """

    values: dict[str, Any]
    spelled: Callable[[str], str]
    warnings: list[str] = field(default_factory=list)


def load(
    flags: Mapping[str, Any] | None = None,
    config_file: Path | None = None,
    working_folder: Path | None = None,
) -> Loaded:
    """Load the configuration in force.

    `flags` holds option names with values from the command line (None: not given); `config_file` is
    read in place of the `config.json` in the working folder and in the data folder. Raises
    ConfigError with a sentence for every unusable value.
    """
    here = working_folder or Path.cwd()
    first = [_flags(flags or {}, here), _environment(here)]
    dotenvs = [_dotenv(here / ".env")]
    jsons = (
        [_json(here / config_file, required=True)] if config_file else [_json(here / "config.json")]
    )

    data_folder = _data_folder([*first, *dotenvs, *jsons])
    if data_folder is not None and data_folder.resolve() != here.resolve():
        dotenvs.append(_without_own_place(_dotenv(data_folder / ".env"), data_folder))
        if not config_file:
            jsons.append(_without_own_place(_json(data_folder / "config.json"), data_folder))
    return _merged([*first, *dotenvs, *jsons])


def plain(value: object) -> Any:
    """An option's value as JSON can hold it."""
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if value is None:
        return "0"  # the one option that may be None is a limit, and 0 is how one writes "no limit"
    return value if isinstance(value, bool | int | float | str) else str(value)


def as_text(value: object) -> str:
    """An option's value as one would write it in the environment; empty for an empty list."""
    if isinstance(value, tuple):
        return ", ".join(as_text(item) for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, float) else str(plain(value))


def _merged(layers: list[_Layer]) -> Loaded:
    values: dict[str, Any] = {}
    origins = dict.fromkeys(OPTIONS, "default")
    for layer in reversed(layers):
        for name, value in layer.values.items():
            values[name], origins[name] = value, layer.spelled(name)
    warnings = [message for layer in layers for message in layer.warnings]
    try:
        config = Config(**values)
    except ValidationError as error:
        raise ConfigError(*_sentences(error, origins)) from None
    return Loaded(config, origins, tuple(warnings))


def _sentences(error: ValidationError, origins: Mapping[str, str]) -> Iterable[str]:
    for one in error.errors():
        reason = one.get("ctx", {}).get("error")
        # Without a reason it is a default that depends on another option, whose mistake is named.
        if reason is not None:
            name = str(one["loc"][0])
            given = "what stands there" if name == "password" else _quoted(one["input"])
            yield f"{origins[name]}: {given} cannot be used; it {reason}."


def default_data_folder() -> Path:
    """The default data folder. Raises ConfigError where there is no home."""
    try:
        return _path(platformdirs.user_data_dir("lvs", appauthor=False))
    except (RuntimeError, ValueError, KeyError):
        raise ConfigError(
            "This user has no home folder, so LVS does not know where to keep its data. Say where:"
            " --data DIR, or set LVS_DATA_DIRECTORY."
        ) from None


def _data_folder(layers: list[_Layer]) -> Path | None:
    """The data folder these layers name, or the default; None when it is no path, which the
    validation will say.
    """
    for layer in layers:
        if "data_directory" in layer.values:
            try:
                return _path(layer.values["data_directory"])
            except ValueError:
                return None
    return default_data_folder()


def _without_own_place(layer: _Layer, data_folder: Path) -> _Layer:
    """The layer found in the data folder, which can no longer say where the data folder is."""
    own = layer.values.pop("data_directory", data_folder)
    if own != data_folder:
        layer.warnings.append(
            f"{layer.spelled('data_directory')} is ignored: the file was found because the data"
            f" folder is {data_folder}."
        )
    return layer


def _flags(flags: Mapping[str, Any], here: Path) -> _Layer:
    values = {name: value for name, value in flags.items() if value is not None}
    return _Layer(
        _with_absolute_paths(values, here),
        lambda name: _FLAGS.get(name, f"--{name.replace('_', '-')}"),
    )


def _environment(here: Path) -> _Layer:
    return _prefixed(EnvSettingsSource(Config), "in the environment", here)


def _dotenv(path: Path) -> _Layer:
    if not path.is_file():
        return _Layer({}, str)
    try:
        source = DotEnvSettingsSource(
            Config, env_file=path, env_file_encoding="utf-8-sig", dotenv_filtering="only_existing"
        )
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {_reason(error)}.") from None
    layer = _prefixed(source, f"in {path}", path.parent)
    bare = [
        name
        for name in OPTIONS
        if name in source.env_vars and PREFIX.lower() + name not in source.env_vars
    ]
    layer.warnings.extend(
        f"{name.upper()} in {path} is ignored; write {PREFIX}{name.upper()} to set it for LVS."
        for name in bare
    )
    return layer


def _prefixed(source: EnvSettingsSource, where: str, base: Path) -> _Layer:
    """Options from a place where all values are text and carry the prefix."""
    layer = _Layer(
        _with_absolute_paths(_with_lists(source()), base),
        lambda name: f"{PREFIX}{name.upper()} {where}",
    )
    prefix = PREFIX.lower()
    for key in sorted(source.env_vars):
        name = key.removeprefix(prefix)
        if key.startswith(prefix) and name not in OPTIONS:
            layer.warnings.append(
                _unknown(key.upper(), where, _nearest(name), lambda near: PREFIX + near.upper())
            )
    return layer


def _with_lists(values: dict[str, Any]) -> dict[str, Any]:
    """Text that is a JSON list becomes one; library folders are also separated as in PATH."""
    for name, text in values.items():
        if isinstance(Config.model_fields[name].default, tuple) and text.lstrip().startswith("["):
            with suppress(ValueError, RecursionError):  # a name may begin with a bracket too
                values[name] = json.loads(text)
        if name == "video_directory" and values[name] is text:
            values[name] = [part for part in text.split(os.pathsep) if part]
    return values


def _json(path: Path, required: bool = False) -> _Layer:
    if not required and not path.is_file():
        return _Layer({}, str)
    layer = _Layer({}, lambda name: f"{name} in {path}")
    for name, value in _json_object(path).items():
        if name not in OPTIONS:
            layer.warnings.append(_unknown(_quoted(name), f"in {path}", _nearest(name), str))
        elif value is not None:
            layer.values[name] = value
    _with_absolute_paths(layer.values, path.parent)
    return layer


def _json_object(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(CONFIG_FILE_LIMIT_BYTES + 1)
        if len(content) > CONFIG_FILE_LIMIT_BYTES:
            raise ConfigError(
                f"{path} cannot be read: it is larger than {CONFIG_FILE_LIMIT_BYTES // 1024} KiB."
            )
        found = json.loads(content.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"{path} is not valid JSON: {error.msg}, line {error.lineno}, column {error.colno}."
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be read: {_reason(error)}.") from None
    if not isinstance(found, dict):
        raise ConfigError(f'{path} must hold a JSON object such as {{"port": 8900}}.')
    return found


def _with_absolute_paths(values: dict[str, Any], base: Path) -> dict[str, Any]:
    """Relative paths start where they are written: in the folder of the file, or in the working
    folder.
    """
    for name in _PATH_OPTIONS:
        if name in values:
            value = values[name]
            with suppress(ValueError):  # stays as it is, for the validation to name it
                values[name] = (
                    [_path(item, base) for item in value]
                    if isinstance(value, list | tuple)
                    else _path(value, base)
                )
    return values


def _unknown(name: str, where: str, near: str | None, spelled: Callable[[str], str]) -> str:
    hint = f"; did you mean {spelled(near)}?" if near else "."
    return f"{name} {where} is ignored: there is no such option{hint}"


def _nearest(name: str) -> str | None:
    return next(iter(difflib.get_close_matches(name.lower()[:100], OPTIONS, n=1)), None)


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 text (byte {error.start})"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _quoted(value: object) -> str:
    """The value as it was given, on one line and not longer than a person reads."""
    text = repr(str(value) if isinstance(value, Path) else value)
    return text if len(text) <= 120 else f"{text[:100]}…"
