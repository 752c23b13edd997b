"""`lvs doctor`: checks what goes wrong in practice, and names one next step for each finding.

Every check is a function of the configuration that yields diagnoses. Checks run at the same time,
each with a time limit: a dead network mount delays its own check and no other.
"""

import asyncio
import json
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import asdict

from lvs.config import Config
from lvs.services.monitoring import network_checks, software_checks, storage_checks
from lvs.services.monitoring.diagnosis import Condition, Diagnosis

CHECK_LIMIT_S = 20.0
REMEMBERED_S = 30.0


Examination = Callable[[Config], Iterable[Diagnosis]]


class Diagnoses(Struct, frozen=True):
    """All of them, in the order of the checks."""

    found: tuple[Diagnosis, ...]

    @property
    def worst(self) -> Condition:
        """The worst condition of all."""
        order = list(Condition)
        return max((each.condition for each in self.found), key=order.index, default=Condition.OK)

    def as_json(self) -> str:
        """The JSON for programs: `worst`, and for each check its name, condition, message,
        next_step.
        """
        return json.dumps(
            {"worst": self.worst, "checks": [asdict(each) for each in self.found]}, indent=2
        )


@dataclass(slots=True, eq=False)
class Doctor:
    """The doctor of a running server: examines it when a page asks, at most every half minute."""

    config: Config
    port: Callable[[], int]
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _found: tuple[Diagnosis, ...] = field(default=(), init=False)
    _found_at: float = field(default=-REMEMBERED_S, init=False)

    async def now(self) -> tuple[Diagnosis, ...]:
        """Recent findings, worst first."""
        async with self._lock:
            if not self._found or time.monotonic() - self._found_at > REMEMBERED_S:
                config = self.config.model_copy(update={"port": self.port()})
                diagnoses = await asyncio.to_thread(diagnose, config)
                order = list(Condition)
                self._found = tuple(
                    sorted(diagnoses.found, key=lambda each: -order.index(each.condition))
                )
                self._found_at = time.monotonic()
            return self._found


def examinations() -> dict[str, Examination]:
    """Every check by its name, in the order of the report."""
    return {
        "port": network_checks.port,
        "addresses": network_checks.addresses,
        "firewall": network_checks.firewall,
        "mdns": network_checks.mdns,
        "data folder": storage_checks.data_folder,
        "database": storage_checks.database,
        "free space": storage_checks.free_space,
        "library": storage_checks.library,
        "watching": storage_checks.watching,
        "disk speed": storage_checks.disk_speed,
        "backups": storage_checks.backups,
        "clock": software_checks.clock,
        "packages": software_checks.packages,
        "codecs": software_checks.codecs,
        "open files": software_checks.open_files,
        "workers": software_checks.workers,
    }


def diagnose(
    config: Config,
    checks: dict[str, Examination] | None = None,
    limit_s: float = CHECK_LIMIT_S,
    progress: Callable[[str], None] = lambda _: None,
) -> Diagnoses:
    """Run every check. Blocking, for a little longer than `limit_s` at most.

    `progress` gets the name of each check that has ended.
    """
    wanted = examinations() if checks is None else checks
    done: queue.SimpleQueue[tuple[str, list[Diagnosis]]] = queue.SimpleQueue()
    for name, check in wanted.items():
        # Not a pool: one that hangs in a dead mount would keep the process from ending.
        threading.Thread(
            target=lambda name=name, check=check: done.put((name, _run(name, check, config))),
            name=f"lvs-doctor-{name}",
            daemon=True,
        ).start()
    results = dict(_collected(done, len(wanted), limit_s, progress))
    overdue = f"No result within {limit_s:g} seconds: a disk or a share does not answer."
    step = "Check the drives of the library and the system's log, then run `lvs doctor` again."
    return Diagnoses(
        tuple(
            diagnosis
            for name in wanted
            for diagnosis in results.get(name, [Diagnosis(name, Condition.ERROR, overdue, step)])
        )
    )


def _collected(
    done: "queue.SimpleQueue[tuple[str, list[Diagnosis]]]",
    number: int,
    limit_s: float,
    progress: Callable[[str], None],
) -> Iterator[tuple[str, list[Diagnosis]]]:
    end = time.monotonic() + limit_s
    for _ in range(number):
        try:
            name, found = done.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            return
        progress(name)
        yield name, found


def _run(name: str, check: Examination, config: Config) -> list[Diagnosis]:
    try:
        return list(check(config))
    except Exception as error:  # noqa: BLE001  a check that breaks is a finding, and ends no other
        message = f"This could not be examined: {str(error) or type(error).__name__}."
        return [Diagnosis(name, Condition.WARNING, message, "Report this line as a bug of LVS.")]
