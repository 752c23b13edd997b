"""Locations of the project and of the material beside it."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SHARED = (
    PROJECT.parent / "shared"
).resolve()  # media and data kept outside of the project; may be absent
