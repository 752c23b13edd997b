"""The kind of file system a folder lies on: a network share is polled, and holds no database."""

import os
from pathlib import Path

import psutil
from msgspec import Struct

# Names as the systems spell them in their tables of mounts.
_NETWORK = frozenset(
    (
        *("nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afpfs", "ncpfs", "afs", "ceph"),
        *("webdav", "davfs", "davfs2", "glusterfs", "lustre", "sshfs", "rclone", "s3fs", "9p"),
    )
)
_FUSE = "fuse."
_DESKTOP_SHARES = frozenset(
    {"9p", "virtiofs", "fakeowner", "grpcfuse", "osxfs"}
)  # of Docker Desktop and WSL


class FileSystem(Struct, frozen=True):
    """A mounted file system. `kind` is its type in lower case, such as `ext4` or `nfs4`."""

    mount: str
    kind: str
    source: str = ""

    @property
    def network(self) -> bool:
        """True for a share of another machine, whose changes nobody here is told of."""
        kind = self.kind.removeprefix(_FUSE)
        return kind in _NETWORK or kind in _DESKTOP_SHARES or self.source.startswith(("//", "\\\\"))

    @property
    def refuses_databases(self) -> bool:
        """True where SQLite's write-ahead log cannot be relied on: its index needs shared memory.

        https://sqlite.org/wal.html section 1; shares of the machine under a virtual one have it.
        """
        return self.network and self.kind.removeprefix(_FUSE) not in _DESKTOP_SHARES


def file_system_of(folder: Path) -> FileSystem | None:
    """The file system of a folder, or of the nearest folder above that is there; None where
    unknown.
    """
    place = os.path.realpath(folder)
    best: FileSystem | None = None
    for part in psutil.disk_partitions(all=True):
        mount = part.mountpoint
        inside = place == mount or place.startswith(mount.rstrip("/\\") + os.sep)
        if inside and (best is None or len(mount) >= len(best.mount)):  # the last mount covers
            best = FileSystem(mount, part.fstype.lower(), part.device)
    return best
