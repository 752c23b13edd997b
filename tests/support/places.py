"""Where the project and the material beside it lie."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SHARED = (
    PROJECT.parent / "shared"
).resolve()  # media and data kept outside of the project; may be absent
