"""Errors with messages that a visitor may read.

Every error carries one message. `routes/hooks/errors.py` is the only place that turns them into
HTTP answers.
"""


class LvsError(Exception):
    """Base of all errors that a visitor may see; `str(error)` is the message."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Invalid(LvsError):
    """The request cannot be used as it was sent."""


class NotFound(LvsError):
    """An unknown video, file or page."""


class Refused(LvsError):
    """The person who watches may not do this."""


class Conflict(LvsError):
    """A contradiction to what is already there."""


class TooManyRequests(LvsError):
    """More requests than a person makes; `retry_after_s` says when to come back, in seconds."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Unavailable(LvsError):
    """A temporary failure of what LVS needs: a drive, the database, a worker."""


class TimedOut(Unavailable):
    """A result that took longer than a visitor can be made to wait."""


class BrokenWorker(Unavailable):
    """A worker broke down over a file in a way that is the file's own doing, should it repeat."""


class WorkerLost(Unavailable):
    """A worker went away or did not answer, which says nothing about the file."""


class DatabaseDamaged(Unavailable):
    """The database file is not what it should be, and only a backup brings it back."""


class DiskFull(LvsError):
    """A full disk."""


class Unreadable(LvsError):
    """The file cannot be read as a video, and trying again will not change that."""
