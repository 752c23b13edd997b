"""Options: their names, types and defaults.

`config_sources.load` gathers their values. docs/configuration.md describes each option; a test
keeps the two in step.
"""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from lvs import option_values as read
from lvs.option_values import HEADSET_WRITES, Network, RateLimit
from lvs.worker_address import LOCAL

PREFIX = "LVS_"
VIDEO_FORMATS = (
    *(".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".ts", ".mts", ".m2ts"),
    *(".mpg", ".mpeg", ".wmv", ".asf", ".flv", ".ogv", ".ogg", ".3gp", ".3g2"),
    *(".vob", ".f4v", ".divx", ".rmvb", ".rm", ".mxf", ".dv", ".wtv", ".m1v", ".m2v"),
)
# What NAS systems, Windows, macOS and file systems keep beside people's files. Names that begin
# with a dot are passed over anyway.
IGNORED_FOLDERS = (
    *("@eaDir", "#recycle", "#snapshot", "@tmp", "@sharebin", "@SynoResource"),
    *("@Recycle", "@Recently-Snapshot", "@__thumb", "~snapshot"),
    *("$RECYCLE.BIN", "RECYCLER", "RECYCLED", "System Volume Information", "found.[0-9][0-9][0-9]"),
    *("lost+found", "Network Trash Folder", "Temporary Items"),
)

# Options of the original Local Video Server that mean nothing here, and the reason.
WITHOUT_EFFECT = {
    "max_thumbnail_size": "posters are made 320 and 640 pixels wide, as pages need them",
    "cache_db": "the cache is kept in memory",
    "enable_analytics": (
        "nothing leaves this machine, and /history has the switch for what is noted down"
    ),
    "feature_vr_simplify": "pages suit the browsers of headsets by themselves",
    "search_enabled": "the search is always there",
    "search_index_on_startup": "the search follows every change by itself",
}


class ConfigError(Exception):
    """The configuration cannot be used; `messages` says for each mistake where and what it is."""

    def __init__(self, *messages: str) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages


Switch = Annotated[bool, BeforeValidator(read.switch)]
SomePath = Annotated[Path, BeforeValidator(read.absolute_path)]


class Config(BaseModel):
    """Every option with its value.

    Made directly it reads nothing from outside; `config_sources.load` gathers what the household
    has set.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, arbitrary_types_allowed=True
    )

    # A household's server is there for its network.
    host: Annotated[str, BeforeValidator(read.listening_host)] = "0.0.0.0"  # noqa: S104
    port: Annotated[int, BeforeValidator(read.whole_number(0, 65535))] = 8900
    allowed_hosts: Annotated[
        tuple[str, ...],
        BeforeValidator(read.items(read.host_name, "host names without scheme and port")),
    ] = ()
    announce: Annotated[str, BeforeValidator(read.announced_name)] = "lvs"
    public_url: Annotated[str, BeforeValidator(read.public_url)] = ""
    root_path: Annotated[str, BeforeValidator(read.root_path)] = ""
    trusted_proxies: Annotated[
        tuple[Network, ...],
        BeforeValidator(read.items(read.network, "addresses or networks such as 10.0.0.0/8")),
    ] = ()
    enable_cors: Switch = True
    allowed_origins: Annotated[
        tuple[str, ...],
        BeforeValidator(read.items(read.origin, "origins such as http://nas.local:3000, or *")),
    ] = ()
    ratings_limit: Annotated[RateLimit | None, BeforeValidator(read.rate_limit)] = RateLimit(30, 10)
    writes_limit: Annotated[RateLimit | None, BeforeValidator(read.rate_limit)] = RateLimit(200, 10)
    connections_per_client: Annotated[int, BeforeValidator(read.whole_number(1, 10_000))] = 120
    streams_per_client: Annotated[int, BeforeValidator(read.whole_number(1, 10_000))] = 80

    password: Annotated[SecretStr, BeforeValidator(read.secret)] = SecretStr("")
    protect: Annotated[
        Literal["everything", "changes"], BeforeValidator(read.one_of("everything", "changes"))
    ] = "everything"
    tls_cert: Annotated[str, BeforeValidator(read.file_name)] = ""
    tls_key: Annotated[str, BeforeValidator(read.file_name)] = ""
    tls_self_signed: Switch = False
    tls_port: Annotated[int, BeforeValidator(read.whole_number(0, 65535))] = 8943
    headset_library: Annotated[Literal["all", "vr"], BeforeValidator(read.one_of("all", "vr"))] = (
        "all"
    )
    headset_writes: Annotated[
        tuple[str, ...],
        BeforeValidator(read.items(read.headset_write, "the words rating, favorite and tags")),
    ] = HEADSET_WRITES

    video_directory: Annotated[tuple[Path, ...], BeforeValidator(read.absolute_paths)] = ()
    supported_formats: Annotated[
        tuple[str, ...],
        BeforeValidator(read.items(read.file_format, "file extensions such as mp4", least=1)),
    ] = VIDEO_FORMATS
    watch: Annotated[
        Literal["auto", "poll", "off"], BeforeValidator(read.one_of("auto", "poll", "off"))
    ] = "auto"
    ignored_folders: Annotated[
        tuple[str, ...],
        BeforeValidator(
            read.items(read.folder_name, "folder names such as @eaDir, without a slash")
        ),
    ] = IGNORED_FOLDERS
    poll_interval: Annotated[float, BeforeValidator(read.seconds(1, 86_400))] = 30.0
    scan_interval: Annotated[float, BeforeValidator(read.seconds(0, 31_536_000))] = 3600.0
    settle_seconds: Annotated[float, BeforeValidator(read.seconds(0, 3600))] = 3.0

    data_directory: SomePath = Field(
        default_factory=lambda: default_data_folder()  # noqa: PLW0108  defined below
    )
    metadata_db: SomePath = Field(
        default_factory=lambda values: values["data_directory"] / "lvs.db"
    )
    thumbnail_directory: SomePath = Field(
        default_factory=lambda values: values["data_directory"] / "thumbnails"
    )
    backup_directory: Annotated[str, BeforeValidator(read.file_name)] = ""
    replicate: Annotated[str, BeforeValidator(read.replica)] = ""

    enable_thumbnails: Switch = True
    thumbnail_workers: Annotated[int, BeforeValidator(read.whole_number(0, 64))] = 0
    workers: Annotated[
        tuple[str, ...],
        BeforeValidator(
            read.items(
                read.worker, "local and addresses such as ssh://me@desktop?root=/mnt/films", least=1
            )
        ),
    ] = (LOCAL,)
    thumbnail_quality: Annotated[int, BeforeValidator(read.whole_number(1, 100))] = 80
    feature_previews: Switch = False
    preview_space: Annotated[int, BeforeValidator(read.whole_number(0, 1_000_000))] = 2048
    compare_pictures: Switch = True
    encoder: Annotated[
        Literal["software", "auto"], BeforeValidator(read.one_of("software", "auto"))
    ] = "software"
    conversion_space: Annotated[int, BeforeValidator(read.whole_number(0, 1_000_000))] = 2048

    cache_timeout: Annotated[float, BeforeValidator(read.seconds(0, 31_536_000))] = 300.0
    max_cache_size: Annotated[int, BeforeValidator(read.whole_number(0, 1_000_000))] = 1000
    stall_seconds: Annotated[float, BeforeValidator(read.seconds(1, 86_400))] = 300.0

    enable_perf_log: Switch = False
    debug: Switch = False
    log_level: Annotated[
        Literal["debug", "info", "warning", "error", "critical"],
        BeforeValidator(read.one_of("debug", "info", "warning", "error", "critical")),
    ] = "info"

    max_log_size: Annotated[int, BeforeValidator(read.whole_number(65_536, 1_000_000_000))] = (
        5 * 2**20
    )

    @property
    def speaks_tls(self) -> bool:
        """True where HTTPS is served beside HTTP."""
        return bool(self.tls_cert or self.tls_self_signed)

    @property
    def replicates(self) -> bool:
        """True where a program beside LVS copies the database elsewhere as it changes."""
        return bool(self.replicate) and sys.platform != "win32"


OPTIONS = tuple(Config.model_fields)


def default_data_folder() -> Path:
    """The default data folder. Raises ConfigError where there is no home."""
    try:
        return read.absolute_path(platformdirs.user_data_dir("lvs", appauthor=False))
    except (RuntimeError, ValueError, KeyError):
        raise ConfigError(
            "This user has no home folder, so LVS does not know where to keep its data. Say where:"
            " --data DIR, or set LVS_DATA_DIRECTORY."
        ) from None


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
