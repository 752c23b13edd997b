"""A finding of the doctor."""

from dataclasses import dataclass
from enum import StrEnum


class Condition(StrEnum):
    """Conditions, from good to bad."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was looked at. `next_step` is empty where nothing needs to be done."""

    check: str
    condition: Condition
    message: str
    next_step: str = ""
