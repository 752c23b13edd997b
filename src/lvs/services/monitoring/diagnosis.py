"""What a check of the doctor finds."""

from dataclasses import dataclass
from enum import StrEnum


class Condition(StrEnum):
    """How a thing stands. The worse, the later."""

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
