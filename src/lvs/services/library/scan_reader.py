"""Reads what a scan finds: walks through a folder, selects new and changed files, and fingerprints
them meanwhile.
"""

import errno
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from lvs.clock import LVS_BEGAN_MS, now_ms
from lvs.db.bulk_insert import NewFile, new_file
from lvs.models import Fingerprint, FoundFile, Root
from lvs.services.library.fingerprint import (
    Failure,
    FileHash,
    extended_fingerprint,
    fingerprints,
)
from lvs.services.library.ignored import IgnoredPaths
from lvs.services.library.walk import FileStat, WalkResult, walk
from lvs.titles import title_from_path

READERS = 2  # threads that read and hash files, which is most of a first scan
FILES_AT_ONCE = 32  # files handed to a reader at a time
READ_AHEAD = 32  # the most of these batches that wait
BATCH_SECONDS = 0.5  # files of a slow disk appear as they are found


def display_location(root: Root, path: bytes) -> str:
    """The place of a file as pages and messages show it."""
    return f"{root.name}/{path.decode('utf-8', 'replace')}"


class ScanReader:
    """Fingerprints files, and remembers those that are still being written or cannot be read.

    Used from several threads.
    """

    def __init__(self, settle_ns: int) -> None:
        self._settle_ns = settle_ns
        self.fresh: dict[
            tuple[int, bytes], float
        ] = {}  # still being written: read again at this monotonic time
        self.problems: dict[bytes, str] = {}

    def read(self, root: Root, found: Sequence[FileStat]) -> list[NewFile]:
        """These files, without those that are still being written or cannot be read."""
        files = [FoundFile(*file) for file in found if not self._is_fresh(root, *file)]
        answers = fingerprints([os.path.join(root.path, file.path) for file in files])
        return [
            ready
            for file, answer in zip(files, answers, strict=True)
            if (ready := self._arrival(root, file, answer))
        ]

    def _is_fresh(self, root: Root, path: bytes, _: int, mtime_ns: int) -> bool:
        if fresh := abs(time.time_ns() - mtime_ns) < self._settle_ns:
            self._wait_for(root, path)
        return fresh

    def _arrival(self, root: Root, file: FoundFile, answer: FileHash | Failure) -> NewFile | None:
        path = os.path.join(root.path, file.path)
        if len(answer) == 2:
            number, message = answer
            if number != errno.ENOENT:
                self.note_problem(root, file.path, message)
            return None
        hashed, oshash, uniform, *state = answer
        if state != [file.size_bytes, file.mtime_ns]:
            self._wait_for(root, file.path)
            return None
        self.problems.pop(path, None)
        return new_file(
            file,
            Fingerprint(hashed, oshash),
            title_from_path(file.path),
            _added_at(root, file),
            extended_fingerprint(path) if uniform else "",
        )

    def note_problem(self, root: Root, path: bytes, words: str) -> None:
        """Remember that a file cannot be read, with the system's message."""
        message = f"“{display_location(root, path)}” cannot be read: {words}."
        self.problems[os.path.join(root.path, path)] = message

    def forget_problems(self, root: Root, folder: bytes) -> None:
        """Forget unreadable files below a folder, so that they are read again."""
        start = os.path.join(root.path, folder, b"")
        for path in [path for path in self.problems if path.startswith(start)]:
            del self.problems[path]

    def _wait_for(self, root: Root, path: bytes) -> None:
        # A film still being copied would get a fingerprint it will not keep.
        self.fresh[root.id, path] = time.monotonic() + self._settle_ns / 1e9 + 0.1

    def settled(self) -> list[tuple[int, bytes]]:
        """Remove and return the files (library folder, path) that were still being written a while
        ago.
        """
        due = [key for key, at in self.fresh.items() if at <= time.monotonic()]
        for key in due:
            del self.fresh[key]
        return due


def _added_at(root: Root, found: FoundFile) -> int:
    """The date of addition: now, but the file's own time in the first scan of a library folder, so
    that years of videos do not all count as new, or if the clock is obviously wrong.
    """
    now, own = now_ms(), max(0, found.mtime_ns // 1_000_000)
    if now < LVS_BEGAN_MS:
        return own
    return min(now, own) if root.scanned_at is None else now


class FolderScan:
    """One scan of a folder of a library folder and all below it.

    `known` are the known files (path, size, time); those found unchanged are removed from it.
    """

    def __init__(
        self,
        reader: ScanReader,
        root: Root,
        folder: bytes,
        endings: frozenset[bytes],
        known: set[FileStat],
        progress: Callable[[int], None],
        ignored: IgnoredPaths,
    ) -> None:
        self.seen = WalkResult()
        self._known = known
        self._known_count = len(known)
        self._changed: set[bytes] = set()
        self._progress = progress
        self._walk = walk(root.path, folder, endings, self.seen, ignored)
        self._portions = self._in_portions()
        self._ahead: deque[Future[list[NewFile]]] = deque()
        self._pool = ThreadPoolExecutor(READERS)
        self._read = partial(reader.read, root)

    def next_batch(self, limit: int) -> list[NewFile] | None:
        """About `limit` new or changed files, or fewer after BATCH_SECONDS; None at the end.

        Blocking: call it in a thread.
        """
        batch: list[NewFile] = []
        until = time.monotonic() + BATCH_SECONDS
        while len(batch) < limit and time.monotonic() < until:
            while len(self._ahead) < READ_AHEAD and (portion := next(self._portions, None)):
                self._ahead.append(self._pool.submit(self._read, portion))
            if not self._ahead:
                return batch or None
            batch += self._ahead.popleft().result()
        return batch

    def _in_portions(self) -> Iterator[list[FileStat]]:
        waiting: list[FileStat] = []
        for found in self._walk:
            self._progress(len(found))
            waiting += self._new_among(found)
            whole = len(waiting) - len(waiting) % FILES_AT_ONCE
            for start in range(0, whole, FILES_AT_ONCE):
                yield waiting[start : start + FILES_AT_ONCE]
            waiting = waiting[whole:]
        if waiting:
            yield waiting

    def _new_among(self, found: list[FileStat]) -> list[FileStat]:
        """New and changed files, by path.

        Sets and lists are compared as wholes: one by one takes as long as the walk.
        """
        if not self._known_count:
            return sorted(found)
        as_set = set(found)
        changed = as_set - self._known
        self._known -= as_set
        self._changed.update(path for path, _, _ in changed)
        return sorted(changed)

    def gone(self) -> list[bytes]:
        """The known files that were not found. Call it at the end."""
        return [path for path, _, _ in self._known if path not in self._changed]

    def close(self) -> None:
        """Stop reading."""
        self._pool.shutdown(wait=False, cancel_futures=True)
