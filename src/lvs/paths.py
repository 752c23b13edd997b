"""Locations of the program's own files, in a checkout as well as in an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def package_folder() -> Path:
    """The folder of the package itself."""
    return _PACKAGE


def static_folder() -> Path:
    """The folder with style sheet, script and icons."""
    installed = _PACKAGE / "static"
    return installed if installed.is_dir() else _PACKAGE.parents[1] / "static"


def templates_folder() -> Path:
    """The folder with whole pages."""
    return _PACKAGE / "templates"


def partials_folder() -> Path:
    """The folder with what htmx swaps and pages include."""
    return _PACKAGE / "partials"


def migrations_folder() -> Path:
    """The folder with the numbered steps that build the database."""
    return _PACKAGE / "db" / "migrations"
