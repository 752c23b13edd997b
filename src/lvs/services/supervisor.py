"""Keeps background tasks running: one that fails is restarted."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

Step = Callable[[], Coroutine[Any, Any, None]]

log = logging.getLogger(__name__)

RESTART_DELAY_S = 10.0


class Supervisor:
    """Runs background tasks for as long as the server lives."""

    def __init__(self, restart_delay_s: float = RESTART_DELAY_S) -> None:
        self.restart_delay_s = restart_delay_s

    async def run(self, name: str, step: Step) -> None:
        """Run one task until it ends, and restart it after an error.

        An error, such as a full disk, ends neither this task nor the others.
        """
        while True:
            try:
                return await step()
            except Exception:
                log.exception(
                    'background task "%s" failed; restarting in %g s', name, self.restart_delay_s
                )
            await asyncio.sleep(self.restart_delay_s)
