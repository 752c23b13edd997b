"""Places where options are set.

Flags win over the environment (`LVS_PORT`), that over `.env`, that over `config.json`, that over
the defaults; `load` tells with every value where it came from.
"""

import difflib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from pydantic import ValidationError

from lvs.config import (
    OPTIONS,
    PREFIX,
    WITHOUT_EFFECT,
    Config,
    ConfigError,
    default_data_folder,
)
from lvs.option_values import absolute_path, quoted

CONFIG_FILE_LIMIT_BYTES = 1024 * 1024
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


class LoadedConfig(Struct, frozen=True):
    """The effective configuration, for each option where its value came from, and what people
    should hear about it.
    """

    config: Config
    origins: Mapping[str, str]
    warnings: tuple[str, ...] = ()


class _Layer(Struct, frozen=True):
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
) -> LoadedConfig:
    """Load the configuration in force.

    `flags` holds option names with values from the command line (None: not given); `config_file` is
    read in place of the `config.json` in the working folder and in the data folder. Raises
    ConfigError with a message for every unusable value.
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


def _merged(layers: list[_Layer]) -> LoadedConfig:
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
    if config.debug and origins["log_level"] == "default":
        config = config.model_copy(update={"log_level": "debug"})
        origins["log_level"] = origins["debug"]
    return LoadedConfig(config, origins, tuple(warnings))


def _sentences(error: ValidationError, origins: Mapping[str, str]) -> Iterable[str]:
    for one in error.errors():
        reason = one.get("ctx", {}).get("error")
        # Without a reason it is a default that depends on another option, whose mistake is named.
        if reason is not None:
            name = str(one["loc"][0])
            given = "what stands there" if name == "password" else quoted(one["input"])
            yield f"{origins[name]}: {given} cannot be used; it {reason}."


def _data_folder(layers: list[_Layer]) -> Path | None:
    """The data folder these layers name, or the default; None when it is no path, which the
    validation will say.
    """
    for layer in layers:
        if "data_directory" in layer.values:
            try:
                return absolute_path(layer.values["data_directory"])
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
    return _prefixed(_in_small_letters(os.environ), "in the environment", here)


def _dotenv(path: Path) -> _Layer:
    if not path.is_file():
        return _Layer({}, str)
    from dotenv import dotenv_values  # noqa: PLC0415  few have such a file

    try:
        found = _in_small_letters(dotenv_values(path, encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {_reason(error)}.") from None
    layer = _prefixed(found, f"in {path}", path.parent)
    bare = [name for name in OPTIONS if name in found and PREFIX.lower() + name not in found]
    layer.warnings.extend(
        f"{name.upper()} in {path} is ignored; write {PREFIX}{name.upper()} to set it for LVS."
        for name in bare
    )
    return layer


def _in_small_letters(variables: Mapping[str, str | None]) -> dict[str, str]:
    """Values that are not empty, by their names in lower case."""
    return {name.lower(): value for name, value in variables.items() if value}


def _prefixed(found: Mapping[str, str], where: str, base: Path) -> _Layer:
    """Options from a place where all values are text and carry the prefix."""
    prefix = PREFIX.lower()
    values: dict[str, Any] = {
        name: found[prefix + name] for name in OPTIONS if prefix + name in found
    }
    layer = _Layer(
        _with_absolute_paths(_with_lists(values), base),
        lambda name: f"{PREFIX}{name.upper()} {where}",
    )
    for key in sorted(found):
        name = key.removeprefix(prefix)
        if key.startswith(prefix) and name not in OPTIONS:
            layer.warnings.append(
                _unknown(name, key.upper(), where, lambda near: PREFIX + near.upper())
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
            layer.warnings.append(_unknown(name, quoted(name), f"in {path}", str))
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
                    [absolute_path(item, base) for item in value]
                    if isinstance(value, list | tuple)
                    else absolute_path(value, base)
                )
    return values


def _unknown(name: str, written: str, where: str, spelled: Callable[[str], str]) -> str:
    if name in WITHOUT_EFFECT:
        return f"{written} {where} has no effect: {WITHOUT_EFFECT[name]}."
    near = _nearest(name)
    hint = f"; did you mean {spelled(near)}?" if near else "."
    return f"{written} {where} is ignored: there is no such option{hint}"


def _nearest(name: str) -> str | None:
    return next(iter(difflib.get_close_matches(name.lower()[:100], OPTIONS, n=1)), None)


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 text (byte {error.start})"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
