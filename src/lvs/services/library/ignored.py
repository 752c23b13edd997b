"""Paths that are no part of the library although they lie in it: system folders, and what
`.lvsignore` files name.

A `.lvsignore` file holds rules like git's `.gitignore`, which apply to its folder and everything
below. It may come with a download, so its size and the cost of its rules are bounded. Blocking
code: call it in a thread.
"""

import errno
import fnmatch
import os
import re
import stat
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = b".lvsignore"
MAX_BYTES = 16 * 1024
MAX_RULES = 200
MAX_RULE_CHARACTERS = 300
MAX_WILDCARDS = 6  # in one rule; each further one multiplies what a long name costs
OPEN_FLAGS = os.O_RDONLY | sum(
    getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NONBLOCK", "O_NOFOLLOW")
)


class IgnoreRules(NamedTuple):
    """The rules of one `.lvsignore` file; `folder` is the one it lies in."""

    folder: bytes
    spec: "GitIgnoreSpec"


RuleStack = tuple[IgnoreRules, ...]
"""The rules that count in a folder, those of the outermost folder first."""


class IgnoredPaths:
    """Tells which folders and files of a library folder are ignored."""

    def __init__(self, folder_names: Iterable[str]) -> None:
        self.folder_names = tuple(folder_names)
        patterns = (fnmatch.translate(name.lower()) for name in self.folder_names)
        self._names = re.compile("|".join(patterns) or r"(?!)")
        self._unread: dict[bytes, str] = {}

    def problems(self) -> list[str]:
        """A message for each `.lvsignore` file that cannot be read."""
        return [
            f"“{path.decode('utf-8', 'replace')}” does not count, for it cannot be read: {words}."
            for path, words in self._unread.copy().items()
        ]

    def has_name(self, name: bytes) -> bool:
        """True if folders of this name are ignored wherever they lie."""
        return self._names.match(os.fsdecode(name).lower()) is not None

    def is_ignored(self, root: bytes, path: bytes, is_folder: bool) -> bool:
        """True if the path, or a folder above it, is ignored."""
        parts = path.split(b"/")
        rules: RuleStack = ()
        for count, part in enumerate(parts, 1):
            folder = b"/".join(parts[: count - 1])
            rules = self.rules_in(root, folder, rules)
            is_inner = count < len(parts) or is_folder
            if is_inner and self.has_name(part):
                return True
            if matches(rules, b"/".join(parts[:count]), is_inner):
                return True
        return False

    def rules_above(self, root: bytes, folder: bytes) -> RuleStack:
        """The rules that apply in a folder because of the folders around it."""
        rules: RuleStack = ()
        parts = folder.split(b"/") if folder else []
        for count in range(len(parts)):
            rules = self.rules_in(root, b"/".join(parts[:count]), rules)
        return rules

    def rules_in(
        self, root: bytes, folder: bytes, above: RuleStack, names: Collection[bytes] | None = None
    ) -> RuleStack:
        """The rules that apply in a folder; `names` are its entries, if they are known."""
        path = os.path.join(root, folder, IGNORE_FILE)
        self._unread.pop(path, None)
        if names is not None and IGNORE_FILE not in names:
            return above
        try:
            lines = _read(path)
        except OSError as error:
            self._unread[path] = error.strerror or str(error)
            return above
        if not lines:
            return above
        return (*above, IgnoreRules(folder, _spec(lines)))


def _spec(lines: list[str]) -> "GitIgnoreSpec":
    """The rules, without invalid ones."""
    from pathspec import GitIgnoreSpec  # noqa: PLC0415  few libraries have such a file

    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError:
        return GitIgnoreSpec.from_lines([line for line in lines if _is_rule(line)])


def _is_rule(line: str) -> bool:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415

    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True


def matches(rules: RuleStack, path: bytes, is_folder: bool) -> bool:
    """True if the rules ignore a path; the innermost rule that matches decides."""
    for folder, spec in reversed(rules):
        below = path[len(folder) + 1 :] if folder else path
        include = spec.check_file(os.fsdecode(below) + ("/" if is_folder else "")).include
        if include is not None:
            return bool(include)
    return False


def _read(path: bytes) -> list[str]:
    """The rules in a file; none if there is no such file. Raises OSError if it exists but cannot be
    read.

    A rule cut off by the size limit is left out: its beginning may match far more, such as `*`.
    """
    try:
        descriptor = os.open(path, OPEN_FLAGS)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EIO):
            raise
        return []
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return []
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > MAX_BYTES:
        content = content[: content.rfind(b"\n", 0, MAX_BYTES + 1) + 1]
    lines = content.decode("utf-8-sig", "replace").splitlines()[:MAX_RULES]
    return [line for line in lines if _is_cheap(line)]


def _is_cheap(rule: str) -> bool:
    return len(rule) <= MAX_RULE_CHARACTERS and rule.count("*") + rule.count("?") <= MAX_WILDCARDS
