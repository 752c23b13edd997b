"""Checks of the folders a command works with, before anything starts."""

import os
from pathlib import Path

from lvs.config_sources import LoadedConfig
from lvs.errors import Invalid, LvsError, Unavailable
from lvs.file_systems import file_system_of


def make_data_folder(folder: Path) -> None:
    """Have the data folder there. Raises Unavailable when it cannot be made or is not a folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise Unavailable(
            f"The data folder {folder} cannot be made: a file is in its place. Choose another with"
            " --data."
        ) from None
    except OSError as error:
        raise unwritable_message(folder, error) from None


def refuse_network_share(database: Path) -> None:
    """Raise Invalid if the database would lie on a share of another machine."""
    system = file_system_of(database.parent)
    if system is not None and system.refuses_databases:
        raise Invalid(
            f"The database {database} would lie on a network share ({system.kind} at"
            f" {system.mount}), where SQLite can lose what it has written. Choose a data folder on"
            " a disk of this computer with --data; videos may lie on the share."
        )


def unwritable_message(folder: Path, error: OSError) -> LvsError:
    """The message for a data folder into which nothing can be written."""
    return Unavailable(
        f"The data folder {folder} cannot be written: {error.strerror or error}. Choose another"
        " with --data."
    )


def check_libraries(loaded: LoadedConfig) -> list[str]:
    """Check the library folders; gives a message for each that is away for now while others are
    there.

    A folder named on the command line must be there, and at least one of the configured ones.
    Raises Invalid when no folder is named, one is no folder, lies in another, or holds what LVS
    writes; Unavailable when a folder that must be there is not.
    """
    folders = loaded.config.video_directory
    if not folders:
        raise Invalid(
            "No library folder is named. Say which folder holds the videos: lvs serve FOLDER, or"
            " set video_directory."
        )
    away = [problem for folder in folders if (problem := _problem(folder))]
    if away and (len(away) == len(folders) or loaded.origins["video_directory"] == "LIBRARY"):
        raise Unavailable(away[0])
    _refuse_folders_in_folders(folders)
    _refuse_written_folders(loaded)
    return [f"{problem} It counts as offline until it is there." for problem in away]


def _problem(folder: Path) -> str | None:
    if folder.is_dir():
        return (
            None
            if os.access(folder, os.R_OK | os.X_OK)
            else f"The library folder {folder} may not be read by this user."
        )
    if folder.exists():
        raise Invalid(f"The library folder {folder} is a file. Name the folder that holds it.")
    return f"The library folder {folder} is not there."


def _refuse_folders_in_folders(folders: tuple[Path, ...]) -> None:
    real = [folder.resolve() for folder in folders]
    for inner, inner_real in zip(folders, real, strict=True):
        for outer, outer_real in zip(folders, real, strict=True):
            if inner is not outer and inner_real.is_relative_to(outer_real):
                raise Invalid(
                    f"The library folder {inner} lies in the library folder {outer}. Name only the"
                    " outer one."
                )


def _refuse_written_folders(loaded: LoadedConfig) -> None:
    """Refuse to write into a library folder.

    Below a hidden folder, which is never part of the library, it is fine.
    """
    for name in ("data_directory", "metadata_db", "thumbnail_directory"):
        place: Path = getattr(loaded.config, name)
        for folder in loaded.config.video_directory:
            try:
                inside = place.resolve().relative_to(folder.resolve())
            except ValueError:
                continue
            if not any(part.startswith(".") for part in inside.parts):
                raise Invalid(
                    f"LVS would write into the library folder {folder}: {name} is {place}. Choose a"
                    " place outside it."
                )
