"""The names by which this server may be addressed in a `Host` header.

After DNS rebinding a stranger's page has the same origin as ours, and only the name in `Host` tells
them apart. Names that only the home network can give are ours; names that anybody can register are
not.
"""

import ipaddress
import re
import socket
import threading
from collections.abc import Iterable

MOST_ANSWERED = 100  # spellings whose answer is remembered
MAX_NAME = 253  # RFC 1035 section 2.3.4, less what the wire format adds
HOME_ENDINGS = (".local", ".lan", ".home.arpa", ".internal", ".localhost")

_HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::[0-9]{0,5})?", re.ASCII)
_LABEL = re.compile(r"[a-z0-9_-]{1,63}", re.ASCII)


class AllowedHosts:
    """Tells names of this server from others.

    `allowed` are the names that the household added to those that always count.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        self._names = {*allowed, own_name()}
        self._answered: set[str] = set()
        # The router's name server may take its time to say by which longer name it knows this
        # machine.
        threading.Thread(target=self._learn_full_name, name="lvs-own-name", daemon=True).start()

    def knows(self, header: str) -> bool:
        """True if a `Host` header names this server: an address, a name of the home network, or one
        that was added.
        """
        if header in self._answered:
            return True
        known = self._is_ours(header.lower())
        if known and len(self._answered) < MOST_ANSWERED:
            self._answered.add(header)
        return known

    def _is_ours(self, header: str) -> bool:
        found = _HOST.fullmatch(header)
        if found is None:
            return False
        if found[1] is not None:
            return _is_address(found[1], 6)
        name = found[2].removesuffix(".")
        if name in self._names or _is_address(name, 4):
            return True
        if len(name) > MAX_NAME or not all(map(_LABEL.fullmatch, name.split("."))):
            return False
        return "." not in name or name.endswith(HOME_ENDINGS)

    def _learn_full_name(self) -> None:
        full = socket.getfqdn().lower().removesuffix(".")
        if full.startswith(
            f"{own_name().partition('.')[0]}."
        ):  # ours and a domain, and nothing else
            self._names.add(full)


def own_name() -> str:
    """The machine's host name, in lower case."""
    return socket.gethostname().lower().removesuffix(".")


def _is_address(text: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(text).version == version
    except ValueError:
        return False
