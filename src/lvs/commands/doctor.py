"""Check what goes wrong in practice, and name the next step for each finding."""

import argparse
from typing import TYPE_CHECKING

from lvs.logs import one_line

if TYPE_CHECKING:
    from lvs.services.monitoring.doctor import Diagnoses

FOUND = 1  # exit code: something needs to be done
_MARKS = {"ok": "ok", "note": "note", "warning": "warning", "error": "ERROR"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags of `serve`, whose effect is examined, and --json."""
    from lvs.terminal import add_server_flags

    add_server_flags(parser)
    parser.add_argument("--json", action="store_true", help="print what was found as a JSON object")
    parser.epilog = (
        "Works while LVS is running, and before. Ends with 0 where all is well, 1 where "
        "something needs to be done."
    )


def run(arguments: argparse.Namespace) -> int:
    """Print every diagnosis with its next step."""
    from lvs.services.monitoring.diagnosis import Condition
    from lvs.services.monitoring.doctor import diagnose
    from lvs.terminal import ProgressLine, configuration

    config = configuration(arguments, quiet=True).config
    with ProgressLine() as meter:
        found = diagnose(config, progress=lambda name: meter.say(f"Checked {name} …"))
    print(found.as_json() if arguments.json else as_text(found))
    return FOUND if found.worst in (Condition.WARNING, Condition.ERROR) else 0


def as_text(diagnoses: "Diagnoses") -> str:
    """A line for each thing, the next step indented below."""
    lines = []
    for each in diagnoses.found:
        lines.append(one_line(f"{_MARKS[each.condition]:>7}  {each.check}: {each.message}"))
        if each.next_step:
            lines.append(one_line(f"         → {each.next_step}"))
    return "\n".join(lines)
