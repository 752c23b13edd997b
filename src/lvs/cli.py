"""The command line: finds the commands in `lvs.commands`, runs one, and turns every failure into a
message and an exit code.
"""

import argparse
import importlib
import io
import logging
import os
import pkgutil
import sys
from collections.abc import Sequence
from typing import NoReturn

from lvs import __version__, commands, logs
from lvs.config import ConfigError
from lvs.errors import LvsError
from lvs.process_limits import refuses_memory
from lvs.terminal import print_message

UNUSABLE = 2  # exit code: it could not be done as asked; the message says why
BROKEN = 1  # exit code: something went wrong that should not


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print_message(f"{message}. See {self.prog} --help.")
        self.exit(UNUSABLE)


def parser() -> argparse.ArgumentParser:
    """The parser with every command; the parsed arguments carry the command's `run`."""
    top = _Parser(
        prog="lvs",
        description="Local Video Server: shows, plays and curates your own video files.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"lvs {__version__}")
    choices = top.add_subparsers(metavar="COMMAND", required=True)
    for found in pkgutil.iter_modules(commands.__path__):
        module = importlib.import_module(f"{commands.__name__}.{found.name}")
        summary = (module.__doc__ or "").partition("\n")[0]
        command = choices.add_parser(
            found.name.rstrip("_").replace("_", "-"),
            help=summary,
            description=summary,
            allow_abbrev=False,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` (default: the process's) name, and give the exit code."""
    _open_standard_streams()
    _write_anything()
    logs.to_screen("info")
    parsed = parser().parse_args(arguments)
    try:
        code = int(parsed.run(parsed))
        sys.stdout.flush()  # here, where a closed pipe is understood
        return code
    except ConfigError as error:
        for message in error.messages:
            print_message(message)
        return UNUSABLE
    except LvsError as error:
        print_message(error.message)
        return UNUSABLE
    except BrokenPipeError:  # `lvs config | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN
    except OSError as error:
        print_message(_NO_MEMORY if refuses_memory(error) else _of_the_system(error))
        return UNUSABLE
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if refuses_memory(error):
            print_message(_NO_MEMORY)
            return UNUSABLE
        logging.getLogger(__name__).error("Something went wrong that should not.", exc_info=error)
        return BROKEN


_NO_MEMORY = (
    "The system gives this process no more memory or threads. Free some, or raise its limits"
    " (ulimit -v, ulimit -u)."
)


def _of_the_system(error: OSError) -> str:
    """The system's own words, and the file they are about."""
    named = isinstance(error.filename, str | bytes | os.PathLike)
    place = f"{os.fsdecode(error.filename)}: " if named else ""
    return f"{place}{error.strerror or error}."


def _open_standard_streams() -> None:
    """Stand in for streams that were closed before the start (`lvs serve >&-`): what is opened next
    would take their numbers, and be written into.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest number
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115  stays open
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _write_anything() -> None:
    """Allow any file name in the output, also one that the terminal's encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
