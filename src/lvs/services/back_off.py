"""Growing waits for clients that guess a secret."""

import math
import time
from collections import OrderedDict

from lvs.client_key import client_key
from lvs.errors import TooManyRequests
from lvs.services.rate_limit import MAX_VISITORS

FREE_TRIES = 5
LONGEST_WAIT_S = 900


class BackOff:
    """Counts the failures of each client, at most MAX_VISITORS of them, and has it wait twice as
    long after each one beyond FREE_TRIES.
    """

    def __init__(self) -> None:
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def check(self, client: str) -> None:
        """Raise TooManyRequests where this client must wait."""
        failures, until = self._failures.get(client_key(client), (0, 0.0))
        wait_s = math.ceil(until - time.monotonic())
        if failures >= FREE_TRIES and wait_s > 0:
            raise TooManyRequests(
                f"Wrong {failures} times. Try again in {wait_s} second{'s' if wait_s > 1 else ''}.",
                wait_s,
            )

    def note(self, client: str, right: bool) -> None:
        """Note that a client was right, which forgets its failures, or wrong."""
        visitor = client_key(client)
        failures, _ = self._failures.pop(visitor, (0, 0.0))
        if not right:
            wait_s = min(LONGEST_WAIT_S, 2.0 ** min(failures + 1 - FREE_TRIES, 20))
            self._failures[visitor] = (failures + 1, time.monotonic() + wait_s)
            while len(self._failures) > MAX_VISITORS:
                self._failures.popitem(last=False)
