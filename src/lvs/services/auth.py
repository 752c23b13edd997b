"""The household's password, the sessions of those who gave it, and tokens for programs.

`access.json` in the data folder holds an argon2 hash of the password and hashes of the tokens;
`access.key` signs the sessions. A session is kept by the browser only, so that nothing here grows
with what visitors send. It ends with the password it was given for.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import math
import os
import re
import secrets
import time
import unicodedata
from contextlib import suppress
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from msgspec import Struct, field

from lvs.errors import Conflict, Invalid, NotFound, TooManyRequests, Unavailable
from lvs.services.back_off import BackOff

log = logging.getLogger(__name__)

FILE, KEY_FILE = "access.json", "access.key"
SESSION_SECONDS = 90 * 24 * 3600
LEAST_LETTERS, MOST_LETTERS = 8, 1000
MOST_WAITING = 8
RECHECK_SECONDS = 1.0
MOST_TOKENS = 100

_TOKEN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,49}", re.ASCII)
_SESSION = re.compile(r"([0-9]{1,12})\.([0-9a-f]{32})\.([0-9a-f]{64})", re.ASCII)


class Access(Struct):
    """Contents of `access.json`: the password's hash, empty where there is none, and each token's
    hash by its name.
    """

    password_hash: str = ""
    tokens: dict[str, str] = field(default_factory=dict)


class AccessFile:
    """Reads and writes `access.json`. The methods block for as long as the disk takes."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def read(self) -> Access:
        """Read the stored access; nothing where there is no file.

        Raises Unavailable where there is one that cannot be understood.
        """
        try:
            return _access(json.loads(self.path.read_bytes()))
        except FileNotFoundError:
            return Access()
        except (OSError, ValueError, RecursionError):
            raise Unavailable(
                f"{self.path} cannot be read. Remove it and set the password anew: lvs password"
            ) from None

    def write(self, access: Access) -> None:
        """Store it, whole or not at all, for this user's eyes only.

        Raises Unavailable where that fails.
        """
        content = json.dumps(
            {"password": access.password_hash, "tokens": access.tokens}, indent=1
        ).encode()
        partial = self.path.with_suffix(f".{secrets.token_hex(4)}.new")
        try:
            _write_secret(partial, content)
            partial.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise Unavailable(
                f"{self.path} cannot be written: {error.strerror or error}."
            ) from None

    def set_password(self, password: str) -> None:
        """Store a new password, which ends all sessions.

        Raises Invalid where it is too short or too long.
        """
        if not LEAST_LETTERS <= len(password) <= MOST_LETTERS:
            raise Invalid(
                f"A password has at least {LEAST_LETTERS} characters, and at most {MOST_LETTERS}."
            )
        access = self.read()
        access.password_hash = PasswordHasher().hash(_spelled(password))
        self.write(access)

    def remove_password(self) -> None:
        """Have no password from now on; tokens stay for the next one.

        Raises NotFound where there is none.
        """
        access = self.read()
        if not access.password_hash:
            raise NotFound("There is no password.")
        access.password_hash = ""
        self.write(access)

    def add_token(self, name: str) -> str:
        """A new token for a program of this name. It is not stored and cannot be shown again."""
        access = self.read()
        if not _TOKEN_NAME.fullmatch(name):
            raise Invalid(
                "A token's name is made of up to 50 letters, digits, spaces, dots, hyphens and"
                " underscores."
            )
        if name in access.tokens:
            raise Conflict(
                f"There is a token named {name} already. Revoke that one, or choose another name."
            )
        if len(access.tokens) >= MOST_TOKENS:
            raise Conflict(f"There are {MOST_TOKENS} tokens already. Revoke some that nobody uses.")
        token = f"lvs_{secrets.token_urlsafe(32)}"
        access.tokens[name] = _token_hash(token)
        self.write(access)
        return token

    def revoke_token(self, name: str) -> None:
        """Have the token of this name open nothing any more. Raises NotFound."""
        access = self.read()
        if name not in access.tokens:
            raise NotFound(f"There is no token named {name}.")
        del access.tokens[name]
        self.write(access)


class Passwords:
    """Says who may come in. A password from the configuration counts in place of the stored one.

    What `lvs password` stores counts within a second, without a restart.
    """

    def __init__(self, folder: Path, configured: str) -> None:
        self._file = AccessFile(folder)
        self._key_path = folder / KEY_FILE
        self._key = b""
        self._configured = configured
        self._configured_hash = PasswordHasher().hash(_spelled(configured)) if configured else ""
        self._access = Access()
        self._broken = False
        self._seen: tuple[int, int] | None = None
        self._checked_at = -math.inf
        self._back_off = BackOff()
        self._checking = asyncio.Lock()
        self._waiting = 0

    @property
    def required(self) -> bool:
        """True if there is a password.

        A file that cannot be understood counts as one that nobody knows.
        """
        self._poll()
        return bool(self._broken or self._hash)

    async def check(self, password: str, client: str) -> bool:
        """True if it is the password.

        Raises TooManyRequests where this client failed so often that it must wait.
        """
        self._poll()
        self._back_off.check(client)
        if self._waiting >= MOST_WAITING:
            raise TooManyRequests("Many are signing in right now. Try again in a moment.", 2)
        self._waiting += 1
        try:
            # One after another: each takes 64 MiB and a twentieth of a second, on purpose.
            async with self._checking:
                self._back_off.check(client)
                right = await asyncio.to_thread(
                    _is_password, self._hash, _spelled(password[: MOST_LETTERS + 1])
                )
                self._back_off.note(client, right)
        finally:
            self._waiting -= 1
        log.log(
            logging.INFO if right else logging.WARNING,
            "%s: sign-in of %s",
            "accepted" if right else "refused",
            client,
        )
        return right

    def new_session(self) -> str:
        """A new session for a browser that gave the password."""
        content = f"{int(time.time()) + SESSION_SECONDS}.{secrets.token_hex(16)}"
        return f"{content}.{self.signature(content)}"

    def is_session(self, session: str) -> bool:
        """True if it was given by `new_session` for the password there is now, and not too long
        ago.
        """
        found = _SESSION.fullmatch(session)
        if not found or not self.required:
            return False
        signed = hmac.compare_digest(self.signature(f"{found[1]}.{found[2]}"), found[3])
        return signed and int(found[1]) > time.time()

    def is_token(self, token: str) -> bool:
        """True if it is a program's token. All are compared, so that the time tells nothing."""
        self._poll()
        given = _token_hash(token)
        known = self._access.tokens.values()
        return any([hmac.compare_digest(given, each) for each in known])  # noqa: C419

    @property
    def _hash(self) -> str:
        return self._configured_hash or self._access.password_hash

    def _poll(self) -> None:
        """Read the file again where it has changed."""
        now = time.monotonic()
        if now - self._checked_at < RECHECK_SECONDS:
            return
        self._checked_at = now
        try:
            status = self._file.path.stat()
            seen = (status.st_mtime_ns, status.st_ino)
        except OSError:
            seen = (0, 0)
        if seen != self._seen:
            try:
                self._access, self._broken = self._file.read(), False
            except Unavailable as error:
                log.error("%s", error.message)
                self._access, self._broken = Access(), True
            self._seen = seen

    def signature(self, content: str) -> str:
        """Text that only this server can make of the content, and only while this password is the
        one.
        """
        if not self._key:
            self._key = _kept_key(self._key_path)
        of_password = hmac.digest(
            self._key, (self._configured or self._access.password_hash).encode(), "sha256"
        )
        return hmac.new(of_password, content.encode(), "sha256").hexdigest()


def _access(found: object) -> Access:
    match found:
        case {"password": str(password_hash), "tokens": dict(tokens)} if all(
            isinstance(each, str) for each in tokens.values()
        ):
            return Access(password_hash, tokens)
    raise ValueError("neither a password nor tokens")


def _is_password(known_hash: str, password: str) -> bool:
    try:
        return PasswordHasher().verify(known_hash, password)
    except (Argon2Error, InvalidHashError):
        return False


def _spelled(password: str) -> str:
    """The same letters in the same bytes, whichever keyboard wrote them."""
    return unicodedata.normalize("NFKC", password)


def _token_hash(token: str) -> str:
    """The stored form of a token. Its 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _kept_key(path: Path) -> bytes:
    """The key that signs sessions, made where there is none.

    One that cannot be kept lasts until the server stops.
    """
    try:
        key = path.read_bytes()
        if len(key) == 32:
            return key
    except OSError:
        pass
    key = secrets.token_bytes(32)
    try:
        _write_secret(path, key)
    except OSError as error:
        log.warning(
            "sessions end when the server stops, because %s cannot be written: %s",
            path,
            error.strerror,
        )
    return key


def _write_secret(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
