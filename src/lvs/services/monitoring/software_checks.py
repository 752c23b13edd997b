"""Software checks of the doctor: clock, Python, versions of packages, codecs, limits."""

import json
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from lvs import __version__, versions
from lvs.config import Config
from lvs.process_limits import OPEN_FILES
from lvs.services.monitoring.diagnosis import Condition, Diagnosis
from lvs.worker_address import LOCAL, WorkerAddress, parse_worker_address

WORKER_S = 15.0
RELEASED = datetime(2026, 11, 1, tzinfo=UTC)
CODEC_S = 15.0
PLAYED = {
    "H.264": "h264",
    "HEVC": "hevc",
    "AV1": "av1",
    "VP9": "vp9",
    "MPEG-4": "mpeg4",
    "AAC": "aac",
    "AC-3": "ac3",
    "Opus": "opus",
}
# In a process of its own: a broken decoder library must not take this one with it.
LIST_CODECS = """
import json, sys
import av
found = []
for name in sys.argv[1:]:
    try:
        av.CodecContext.create(name, "r")
        found.append(name)
    except Exception:
        pass
print(json.dumps({"version": av.__version__, "found": found}))
"""


def clock(config: Config) -> Iterator[Diagnosis]:
    """Check that the clock is not behind the newest file in the data folder."""
    now = datetime.now(UTC)
    newest = _newest_write(config.data_directory)
    step = "Set the clock, and have it follow a time server (systemd: timedatectl set-ntp true)."
    if now < RELEASED:
        yield Diagnosis(
            "clock",
            Condition.ERROR,
            f"The clock says {now:%Y-%m-%d}, before this version existed.",
            step,
        )
    elif newest and (newest - now).total_seconds() > 120:
        message = (
            f"The clock says {now:%Y-%m-%d %H:%M} UTC, and the data folder holds files of "
            f"{newest:%Y-%m-%d %H:%M} UTC."
        )
        yield Diagnosis("clock", Condition.WARNING, message, step)
    else:
        yield Diagnosis("clock", Condition.OK, f"It is {now:%Y-%m-%d %H:%M} UTC.")


def packages(_config: Config) -> Iterator[Diagnosis]:
    """Check that the versions of Python and every package are ones that LVS is tested with."""
    names = versions.untested()
    if names:
        step = "Install LVS again into an environment of its own (pipx or uv tool install)."
        message = f"Not tested with this LVS: {', '.join(names)}."
        yield Diagnosis("packages", Condition.WARNING, message, step)
    else:
        message = f"Python {platform.python_version()} and every package are tested versions."
        yield Diagnosis("packages", Condition.OK, message)


def codecs(
    _config: Config, wanted: Mapping[str, str] = PLAYED, program: str = LIST_CODECS
) -> Iterator[Diagnosis]:
    """Check that the decoders for posters and details of videos are there."""
    found = _known_codecs(wanted.values(), program)
    if found is None:
        message = "The video library (av) cannot be loaded: videos get no posters and no details."
        yield Diagnosis(
            "codecs",
            Condition.ERROR,
            message,
            "Install LVS again; on Linux its wheels need glibc 2.28 or musl 1.2.",
        )
        return
    lacking = [label for label, name in wanted.items() if name not in found]
    if lacking:
        message = f"No decoder for {', '.join(lacking)}: such videos get no posters."
        yield Diagnosis(
            "codecs",
            Condition.WARNING,
            message,
            "Install the av package from PyPI rather than the system's.",
        )
    else:
        yield Diagnosis("codecs", Condition.OK, f"Decoders: {', '.join(wanted)}.")


def open_files(_config: Config) -> Iterator[Diagnosis]:
    """Check that enough files may be open for every viewer and video."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  not on Windows

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < OPEN_FILES:
        message = f"Only {hard} files may be open at a time."
        step = f"Raise the limit (ulimit -n {OPEN_FILES}, or LimitNOFILE in the service unit)."
        yield Diagnosis("open files", Condition.WARNING, message, step)
    else:
        yield Diagnosis("open files", Condition.OK, "Enough files may be open.")


def _newest_write(folder: Path) -> datetime | None:
    """Time of the newest file directly in the data folder."""
    try:
        times = [entry.stat().st_mtime for entry in folder.iterdir() if entry.is_file()]
    except OSError:
        return None
    return datetime.fromtimestamp(max(times), UTC) if times else None


def _known_codecs(names: Iterable[str], program: str) -> set[str] | None:
    """The decoders of the installed library; None if it cannot be loaded."""
    command = [sys.executable, "-P", "-c", program, *names]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=CODEC_S, check=True).stdout
        return set(json.loads(answer)["found"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return None


def workers(config: Config) -> Iterator[Diagnosis]:
    """Check that other machines that analyse videos can be reached and have this version."""
    for text in config.workers:
        if text != LOCAL:
            address = parse_worker_address(text)
            problem, step = _worker_problem(address)
            if problem:
                message = f"{address.name} does not analyse films: {problem}"
                yield Diagnosis("workers", Condition.WARNING, message, step)
            else:
                message = f"{address.name} is ready to analyse films."
                yield Diagnosis("workers", Condition.OK, message)


def _worker_problem(address: WorkerAddress) -> tuple[str, str]:
    """The problem that keeps a machine from working, and the next step; empty if there is none."""
    login = f"{address.user}@{address.host}" if address.user else address.host
    try:
        done = subprocess.run(
            address.ssh(1 << 30),
            input='{"hello": true}\n',
            capture_output=True,
            text=True,
            errors="replace",
            timeout=WORKER_S,
            check=False,
        )
        version = json.loads(done.stdout)["lvs"]
    except subprocess.TimeoutExpired:
        return "it does not answer.", "Switch it on, or take it out of the option workers."
    except OSError:
        return "OpenSSH is not installed here.", "Install the package openssh-client."
    except (ValueError, KeyError, TypeError):
        said = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        return f"{said[:200]}", f"As the user that runs LVS, run: ssh -p {address.port} {login} lvs"
    if version != __version__:
        return f"it has LVS {version}.", f"Install LVS {__version__} there."
    return "", ""
