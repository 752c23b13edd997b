"""The right of a player to come in, and keys that open one file, or one film in segments, for a
while.

A player sends the household's password in the body of what it asks; films and pictures it fetches
without, so their addresses carry a key.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable

from cachetools import LRUCache

from lvs.services.auth import Passwords

DAY_S = 24 * 3600
REMEMBERED = 100

_KEY = re.compile(r"([0-9]{1,12})\.([0-9a-f]{32})", re.ASCII)
_SEGMENTS = re.compile(r"/hls/[^/]+/[^/]+/", re.ASCII)


class HeadsetAccess:
    """Checks players' credentials, and makes and checks keys.

    Checking a password takes a twentieth of a second on purpose, and a player sends it with every
    request: one that was right is remembered, by its hash, for as long as that password counts.
    """

    def __init__(self, passwords: Passwords, now: Callable[[], float] = time.time) -> None:
        self._passwords = passwords
        self._now = now
        self._salt = secrets.token_bytes(32)
        self._sessions: LRUCache[bytes, str] = LRUCache(REMEMBERED)

    async def accepts(self, password: str, client: str) -> bool:
        """True if this is the password. Raises TooManyRequests after too many wrong ones."""
        if not self._passwords.required:
            return True
        if not password:
            return False
        digest = hmac.digest(self._salt, password.encode("utf-8", "surrogatepass"), "sha256")
        if self._passwords.is_session(self._sessions.get(digest, "")):
            return True
        if not await self._passwords.check(password, client):
            return False
        self._sessions[digest] = self._passwords.new_session()
        return True

    def key(self, path: str) -> str:
        """A key for the file at this address path (percent-encoded), good for one to two days.

        It is the same all day, so that what carries it can be cached. That of a film's playlist
        opens the film's other playlists and all of its segments, too.
        """
        ends = (int(self._now()) // DAY_S + 2) * DAY_S
        return f"{ends}.{self._sign(path, ends)}"

    def opens(self, path: str, key: str) -> bool:
        """True if the key opens the file at this path, and has not ended."""
        found = _KEY.fullmatch(key)
        if not found or int(found[1]) <= self._now():
            return False
        return hmac.compare_digest(self._sign(path, int(found[1])), found[2])

    @property
    def today(self) -> int:
        """A number that changes when keys do."""
        return int(self._now()) // DAY_S

    def _sign(self, path: str, ends: int) -> str:
        video = _SEGMENTS.match(path)
        signed = self._passwords.signature(f"media {ends} {video[0] if video else path}")
        return hashlib.sha256(signed.encode()).hexdigest()[:32]
