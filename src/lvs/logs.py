"""Log output to the screen and to files, safe against forged lines in file names and headers."""

import logging
import re
import sys
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path

FILE_LIMIT_BYTES = 5 * 1024 * 1024
FILES_KEPT = 3

# C0 and C1 controls, the line and paragraph separators, what turns the direction of text, and
# halves of surrogate pairs (bytes of a file name that are not UTF-8).
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def one_line(text: str) -> str:
    """The text on one line, control characters escaped, fit for a terminal and a log."""
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


class _LineFormatter(logging.Formatter):
    """One line for a record, with local time and its offset; a traceback follows indented, or stays
    out.
    """

    def __init__(self, tracebacks: bool) -> None:
        super().__init__()
        self._tracebacks = tracebacks

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%d %H:%M:%S%z", time.localtime(record.created))
        line = one_line(f"{moment} {record.levelname.lower()} {record.name}: {record.getMessage()}")
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return line
        if not self._tracebacks:
            return one_line(f"{line} ({type(error).__name__}: {error})")
        trace = self.formatException(record.exc_info) if record.exc_info else ""
        return "\n".join([line, *(f"    {one_line(each)}" for each in trace.splitlines())])


def to_screen(level: str) -> None:
    """Send log lines of `level` and above to stderr, and nowhere else; tracebacks only at level
    debug.
    """
    logging.raiseExceptions = (
        False  # a full disk must not fill the terminal with tracebacks of the log itself
    )
    logging.captureWarnings(True)
    screen = logging.StreamHandler(sys.stderr)
    screen.setFormatter(_LineFormatter(tracebacks=level == "debug"))
    root = logging.getLogger()
    root.handlers = [screen]
    root.setLevel(max(logging.WARNING, _number(level)))  # what libraries chat about is theirs
    logging.getLogger("lvs").setLevel(_number(level))


def to_file(folder: Path, limit_bytes: int = FILE_LIMIT_BYTES) -> Path | None:
    """Send the log lines with tracebacks to a file in `folder` too, which is begun anew when it
    would grow beyond the limit.

    Gives the file, or None when it cannot be written, which costs the file only.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "lvs.log"
        file = RotatingFileHandler(
            path, maxBytes=limit_bytes, backupCount=FILES_KEPT, encoding="utf-8"
        )
    except OSError as error:
        logging.getLogger(__name__).warning("The log file cannot be written: %s", error)
        return None
    file.setFormatter(_LineFormatter(tracebacks=True))
    logging.getLogger().addHandler(file)
    return path


def _number(level: str) -> int:
    return logging.getLevelNamesMapping()[level.upper()]
