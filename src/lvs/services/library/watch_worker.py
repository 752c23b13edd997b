"""The watch process: follows one library folder and reports, line by line, where something changed.

Started by `watch_process.py`, one for each library folder. Beginning to watch asks the disk after
every folder, and watchfiles holds the interpreter's lock meanwhile; here that holds up nobody.
Lines are JSON; places are relative to the library folder and hexadecimal, as names need not be
valid in any encoding:

    {"state": "watching"}               everything is watched; from now on no change is missed
    {"changed": ["66696c6d2e6d7034"]}   something happened at these places
    {"rescan": true}                    something happened that is not worth naming place by place
    {"failed": "watches", "detail": …}  the last line: why the process ends (`WatchFailure`)

On Linux watchfiles is given each folder by itself, found by a walk that follows no link: asked for
a whole tree (`recursive`) it follows links, also out of the library, and asks after every file.
macOS and Windows watch a whole tree by themselves and follow no links.
"""

import json
import os
import re
import select
import stat
import sys
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from enum import StrEnum
from typing import Any, BinaryIO

from lvs.services.library.ignored import IGNORE_FILE, IgnoredPaths

DEBOUNCE_MS = 800  # the longest that changes are gathered for
STEP_MS = 100  # a batch ends when nothing happened for so long
TOP_CHECK_S = 2.0
# Beyond, the system's own queue (fs.inotify.max_queued_events) may have lost some.
CHANGES_AT_ONCE = 2000
LINE_CHARACTERS = 1 << 18
SETUP_ROUNDS = 10  # folders may come and go while the watch is set up
GROUP_FACTOR = 4  # a watch is joined with the one before unless it is so many times smaller
WHOLE_TREES = ("darwin", "win32")  # whose own watch takes in all that lies below a folder


class WatchFailure(StrEnum):
    """The reason why a folder is not watched."""

    GONE = "gone"  # the folder is not there any more, or another one is at its place
    WATCHES = "watches"  # the system's limit on watched folders is used up
    INSTANCES = "instances"  # the system's limit on watching programs is used up
    NAMES = "names"  # a name is not UTF-8, which watchfiles cannot take
    BROKEN = "broken"  # the watch process failed or could not be started


class WatchFailed(Exception):
    """Watching ended; `reason` says why, `detail` is for the log."""

    def __init__(self, reason: WatchFailure, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def main() -> None:
    """Watch the folder named in the arguments until the server ends this process, or is gone
    itself.
    """
    # The server reads this module for its names, and needs no limits.
    from lvs.services.media.worker_limits import limit_process  # noqa: PLC0415

    top, ignored = os.fsdecode(bytes.fromhex(sys.argv[-3])), IgnoredPaths(json.loads(sys.argv[-2]))
    limit_process(int(sys.argv[-1]))
    threading.Thread(target=_end_with_server, daemon=True).start()
    try:
        _follow(top, ignored)
    except WatchFailed as failed:
        _say(failed=failed.reason, detail=failed.detail[:500])
    except Exception as error:  # noqa: BLE001  the server hears of it and decides
        _say(failed=WatchFailure.BROKEN, detail=repr(error)[:500])


def _end_with_server() -> None:
    # Not through `sys.stdin`: its lock, held here, would be the end of an orderly exit.
    while os.read(0, 4096):
        pass
    os._exit(0)


def _say(**report: Any) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.buffer.write(json.dumps(report).encode() + b"\n")
        sys.stdout.buffer.flush()


def _follow(top: str, ignored: IgnoredPaths) -> None:
    identity = _identity(top)
    watch = TreeWatch(top) if sys.platform in WHOLE_TREES else FolderWatch(top, ignored)
    _say(state="watching")
    checked_at = time.monotonic()
    while True:
        changes = watch.changes()
        if time.monotonic() - checked_at >= TOP_CHECK_S:
            checked_at = time.monotonic()
            if _identity(top) != identity:
                raise WatchFailed(WatchFailure.GONE)
        _report(top, changes, ignored)


def _identity(top: str) -> tuple[int, int]:
    try:
        state = os.stat(top)
    except OSError as error:
        raise WatchFailed(WatchFailure.GONE, str(error)) from None
    return state.st_dev, state.st_ino


def _report(top: str, changes: Collection[str] | None, ignored: IgnoredPaths) -> None:
    """Report changed paths to the server; None stands for too many to be named."""
    if changes is None:
        _say(rescan=True)
        return
    line: list[str] = []
    characters = 0
    for place in sorted({place for path in changes if (place := _place(top, path, ignored))}):
        if characters > LINE_CHARACTERS:
            _say(changed=line)
            line, characters = [], 0
        line.append(place)
        characters += len(place)
    if line:
        _say(changed=line)


def _place(top: str, path: str, ignored: IgnoredPaths) -> str | None:
    """The place below the top, hexadecimal; None for the top itself, and for what is hidden or
    ignored.
    """
    *folders, name = parts = os.path.relpath(path, top).split(os.sep)
    if any(map(_is_hidden, folders)) or any(
        ignored.has_name(os.fsencode(each)) for each in folders
    ):
        return None
    if _is_hidden(name) and os.fsencode(name) != IGNORE_FILE:
        return None
    return os.fsencode("/".join(parts)).hex()


def _is_hidden(name: str) -> bool:
    return name.startswith(".")


class TreeWatch:
    """A folder with everything below it, watched by the system itself. Raises WatchFailed."""

    def __init__(self, top: str) -> None:
        self._watch = Watch([top], recursive=True)

    def changes(self) -> Collection[str] | None:
        """The paths where something happened since the last call; empty after a moment without any.
        Raises WatchFailed.
        """
        batch = self._watch.changes()
        return None if len(batch) > CHANGES_AT_ONCE else {path for _, path in batch}


class FolderWatch:
    """A folder and those below it, each watched by itself; links are not followed. Raises
    WatchFailed.

    watchfiles can add no folder to a watch. So new folders get a watch of their own, and small
    watches are joined to larger ones: there are never more than a handful, and joining costs each
    folder the same few times however many come.
    """

    def __init__(self, top: str, ignored: IgnoredPaths) -> None:
        self._top = top
        self._ignored = ignored
        self._watches: list[Watch] = []
        self._watched: set[str] = set()
        self._missed = False
        self._mounts = MountPoints(top)
        self._add([top])
        if top not in self._watched:
            raise WatchFailed(WatchFailure.GONE, "the folder cannot be read")

    def changes(self) -> Collection[str] | None:
        """The paths where something happened since the last call; empty after a moment without any,
        None if there are too many.

        Raises WatchFailed.
        """
        batch = {change for watch in self._watches for change in watch.changes()}
        self._forget({path for kind, path in batch if kind != "modified"})
        self._follow_mounts()
        self._add(sorted({path for _, path in batch} - self._watched))
        missed, self._missed = self._missed, False
        return None if missed or len(batch) > CHANGES_AT_ONCE else {path for _, path in batch}

    def _follow_mounts(self) -> None:
        """Watch folders anew at which a disk was mounted or unmounted: the system does not report
        that, and a watch ends with its disk.
        """
        if changed := self._mounts.changed():
            self._forget(changed)
            self._add(sorted(changed))
            self._missed = True

    def _add(self, paths: Iterable[str]) -> None:
        """Watch those of these paths that are folders, and all folders below them."""
        tops = [path for path in paths if self._is_wanted(path)]
        for _ in range(SETUP_ROUNDS if tops else 0):
            # The second round finds what came between the walk and the watch.
            found = dict.fromkeys(
                folder
                for top in tops
                for folder in folders_below(top, self._ignored)
                if folder not in self._watched
            )
            if not found:
                return
            self._watch_each(list(found))
        self._missed = self._missed or bool(tops)

    def _is_wanted(self, path: str) -> bool:
        if path == self._top:
            return True
        wanted = _place(self._top, path, self._ignored) is not None
        return (
            wanted
            and not self._ignored.has_name(os.fsencode(os.path.basename(path)))
            and _is_folder(path)
        )

    def _watch_each(self, folders: list[str]) -> None:
        watch = _watch_of(folders)
        if watch is None:
            return
        self._watches.append(watch)
        self._watched.update(watch.folders)
        while len(self._watches) > 1 and len(self._watches[-1].folders) * GROUP_FACTOR >= len(
            self._watches[-2].folders
        ):
            self._join(self._watches.pop(), self._watches.pop())

    def _join(self, one: "Watch", other: "Watch") -> None:
        """Replace watches by one; the new one begins before they end, where the system's limits
        allow both.
        """
        folders = [folder for folder in (*other.folders, *one.folders) if folder in self._watched]
        self._watched.difference_update(folders)
        try:
            joined = _watch_of(folders)
            rest = {*one.changes(), *other.changes()}
            _close(one, other)
        except WatchFailed:
            _close(one, other)
            joined, rest, self._missed = _watch_of(folders), set(), True
        if joined is not None:
            joined.pending |= rest
            self._watches.append(joined)
            self._watched.update(joined.folders)

    def _forget(self, gone: Collection[str]) -> None:
        """Treat folders that left, and everything below them, as not watched; whatever is at their
        place is new.
        """
        if not gone:
            return
        left = {folder for folder in self._watched if _is_at_or_below(folder, gone, self._top)}
        self._watched -= left
        for watch in list(self._watches):
            if len(watch.folders & left) and self._renew(watch, watch.folders - left):
                self._watches.remove(watch)

    def _renew(self, watch: "Watch", staying: set[str]) -> bool:
        """Forget the folders of a watch that left; True if none stays and the watch has ended.

        The system itself ends the watch of a folder that is deleted. One that was moved is still
        watched under its old name: what is reported there is not found there.
        """
        watch.folders = staying
        if not staying:
            watch.close()
        return not staying


class MountPoints:
    """The mount points below a folder; none where the system does not list them."""

    def __init__(self, top: str) -> None:
        self._start = os.path.join(top, "")
        self._events = select.poll()
        self._table: BinaryIO | None = None
        with suppress(OSError):
            self._table = open("/proc/self/mountinfo", "rb")  # noqa: SIM115  as long as the process
            self._events.register(self._table, select.POLLPRI)
        self._mounted = self._read()

    def changed(self) -> set[str]:
        """The folders at which something was mounted or unmounted since the last call.

        The system reports only that something was; a disk that comes back has the same numbers, so
        polling would not notice a short absence.
        """
        if not self._events.poll(0):
            return set()
        before, self._mounted = self._mounted, self._read()
        return {path for path, _ in before ^ self._mounted}

    def _read(self) -> set[tuple[str, bytes]]:
        if self._table is None:
            return set()
        self._table.seek(0)
        lines = [line.split(b" ", 5) for line in self._table]
        mounts = ((os.fsdecode(_unescaped(line[4])), b" ".join(line[:4])) for line in lines)
        return {mount for mount in mounts if mount[0].startswith(self._start)}


class Watch:
    """Folders that watchfiles follows, with what lies directly in them (or everything below,
    `recursive`). Raises WatchFailed.
    """

    def __init__(self, folders: Collection[str], recursive: bool = False) -> None:
        from watchfiles import watch  # noqa: PLC0415  only the watch process loads it

        self.folders = set(folders)
        self._changes = watch(
            *folders,
            watch_filter=None,
            debounce=DEBOUNCE_MS,
            step=STEP_MS,
            rust_timeout=STEP_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
            force_polling=False,
            recursive=recursive,
            # with it, also the system's limits would be passed over in silence
            ignore_permission_denied=False,
        )
        self.pending: set[tuple[str, str]] = set()
        self.pending = self.changes()  # asking for the first changes begins the watch

    def changes(self) -> set[tuple[str, str]]:
        """Kind (`added`, `modified`, `deleted`) and path of what happened since the last call.
        Raises WatchFailed.
        """
        pending, self.pending = self.pending, set()
        try:
            return pending | {(change.name, path) for change, path in next(self._changes)}
        except (FileNotFoundError, PermissionError, NotADirectoryError):
            raise
        except (OSError, RuntimeError) as error:  # what is wrong inside of it is a RuntimeError
            raise WatchFailed(_reason(str(error)), str(error)) from None
        except StopIteration:
            raise WatchFailed(WatchFailure.BROKEN, "watchfiles ended") from None

    def close(self) -> None:
        """End the watch."""
        self._changes.close()


def _close(*watches: Watch) -> None:
    for watch in watches:
        watch.close()


def _reason(message: str) -> WatchFailure:
    """The reason behind an error of watchfiles, which has only a message for it."""
    for words, reason in (
        ("MaxFilesWatch", WatchFailure.WATCHES),
        ("os error 28", WatchFailure.WATCHES),
        ("os error 24", WatchFailure.INSTANCES),
        ("Unable to decode path", WatchFailure.NAMES),
    ):
        if words in message:
            return reason
    return WatchFailure.BROKEN


def _watch_of(folders: list[str]) -> Watch | None:
    """A watch of those of the folders that exist and can be read; None if there are none."""
    for _ in range(SETUP_ROUNDS):
        if not folders:
            return None
        try:
            watch = Watch(folders)
        except (FileNotFoundError, PermissionError, NotADirectoryError):
            folders = [
                folder for folder in folders if _is_folder(folder) and os.access(folder, os.R_OK)
            ]
            continue
        if all(
            map(_is_folder, folders)
        ):  # the system follows a link that has just been put in a folder's place
            return watch
        watch.close()
        folders = [folder for folder in folders if _is_folder(folder)]
    raise WatchFailed(WatchFailure.BROKEN, "folders come and go too fast to be watched")


def folders_below(top: str, ignored: IgnoredPaths) -> Iterator[str]:
    """A folder and everything below it that can be read, except hidden and ignored folders; links
    are not followed.

    Raises WatchFailed where a name is not UTF-8: watchfiles fails at any event of such a file.
    """
    pending = [top]
    while pending:
        current = pending.pop()
        try:
            with os.scandir(current) as entries:
                for entry in entries:
                    if not _is_text(entry.name):
                        raise WatchFailed(WatchFailure.NAMES, ascii(entry.path))
                    if _is_hidden(entry.name) or not entry.is_dir(follow_symlinks=False):
                        continue
                    if not ignored.has_name(os.fsencode(entry.name)):
                        pending.append(entry.path)
        except OSError:
            continue
        yield current


def _unescaped(path: bytes) -> bytes:
    """A path of `/proc/self/mountinfo`, where blanks and such are octal numbers."""
    return re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), path)


def _is_folder(path: str) -> bool:
    with suppress(OSError):
        return stat.S_ISDIR(os.lstat(path).st_mode)
    return False


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_at_or_below(path: str, folders: Collection[str], top: str) -> bool:
    """True if the path, or a folder between it and the top, is one of these."""
    while path not in folders:
        if path == top or len(path) <= len(top):
            return False
        path = os.path.dirname(path)
    return True
