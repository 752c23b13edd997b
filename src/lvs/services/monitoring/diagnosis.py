"""A finding of the doctor."""

from enum import StrEnum

from msgspec import Struct


class Condition(StrEnum):
    """Conditions, from good to bad."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"


class Diagnosis(Struct, frozen=True):
    """The result of one check. `next_step` is empty where nothing needs to be done."""

    check: str
    condition: Condition
    message: str
    next_step: str = ""
