"""Random histories of two library folders: whatever is copied, edited, moved, replaced, deleted and
restored, while LVS runs or is stopped, each content is a film of its own with its own address, and
what it was given is with it.
"""

import asyncio
import itertools
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lvs.db.changes import ChangeFilter
from lvs.db.database import Database
from lvs.models import Query, Root, Sort
from lvs.services.cache import Cache
from lvs.services.curation.handover import Handover
from lvs.services.curation.ratings import Ratings
from lvs.services.curation.tags import Tags
from lvs.services.curation.titles import VideoTitles
from lvs.services.curation.undo import Journal
from lvs.services.events import Events
from lvs.services.gallery.gallery import Gallery
from lvs.services.library.library import Library

PLACES = [
    (root, name)
    for root in ("One", "Two")
    for name in ("a.mp4", "b.mp4", "One/a.mp4", "Two/deep/c.mp4")
]
_clock = itertools.count(1_600_000_000_000_000_000, 1_000_000_000)

place = st.integers(0, len(PLACES) - 1)
step = st.one_of(
    st.tuples(st.just("new"), place, st.booleans()),
    st.tuples(st.just("edit"), place, st.booleans()),
    st.tuples(st.just("copy"), place, place),
    st.tuples(st.just("move"), place, place),
    st.tuples(st.just("replace"), place, st.booleans()),
    st.tuples(st.just("link"), place, place),
    st.tuples(st.just("swap"), place, place),
    st.tuples(st.just("delete"), place, st.none()),
    st.tuples(st.just("restore"), place, st.integers(0, 20)),
    st.tuples(st.just("tag"), place, st.none()),
    st.tuples(st.just("rate"), place, st.integers(1, 5)),
    st.tuples(st.just("look"), place, st.none()),
    st.tuples(st.just("unplug"), st.integers(0, 1), st.none()),
    st.tuples(st.just("handover"), st.none(), st.none()),
    st.tuples(st.just("scan"), st.none(), st.none()),
    st.tuples(st.just("scan"), st.none(), st.none()),
    st.tuples(st.just("restart"), st.integers(0, 2), st.none()),
)
Step = tuple[str, int | None, int | None]


def content(number: int, tape: bool) -> bytes:
    """A content of its own; a tape differs from the others only where no sample is taken."""
    if not tape:
        return b"film %d " % number * 50
    return bytes(150_000) + b"%06d" % number + bytes(450_000)


class History:
    """A household, and what must be true of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.roots = {name: folder / name for name in ("One", "Two")}
        for root in self.roots.values():
            root.mkdir()
            (root / "always.txt").write_text("so that the folder is never empty")
        self.contents: list[bytes] = []
        self.given: dict[str, bytes] = {}
        self.stars: dict[bytes, int] = {}
        self.covered = False  # a copy was put over a film that somebody had tagged
        self.served = ["One", "Two"]

    async def open(self) -> None:
        self.database = Database(self.folder / "lvs.db")
        await self.database.open(anew=True)
        events, cache = Events(), Cache(0, 0)
        folders = [self.roots[name] for name in self.served]
        self.library = Library(self.database, events, folders, (".mp4",), 0)
        await self.library.open()
        self.tags = Tags(self.database, cache, events)
        self.videos = VideoTitles(self.database, cache, events)
        self.ratings = Ratings(self.database, cache, events)
        self.handover = Handover(self.database, cache, events)
        self.journal = Journal(self.database, cache, events)
        self.gallery = Gallery(self.database, self.library, cache)

    def path(self, number: int) -> Path:
        root, name = PLACES[number]
        return self.roots[root] / name

    def write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        at = next(_clock)
        os.utime(path, ns=(at, at))

    def address(self, path: Path) -> bytes:
        root = next(name for name, folder in self.roots.items() if path.is_relative_to(folder))
        inner = os.fsencode(path.relative_to(self.roots[root]))
        return inner if len(self.served) == 1 else os.fsencode(root) + b"/" + inner

    def is_served(self, path: Path) -> bool:
        return any(path.is_relative_to(self.roots[name]) for name in self.served)

    async def take(self, kind: str, one: int | None, two: int | None) -> None:
        if kind == "scan":
            await self.library.scan()
        elif kind == "restart":
            await self.database.close()
            self.served = [["One", "Two"], ["One"], ["Two", "One"]][one or 0]
            await self.open()
        elif kind == "look":  # as the watch does, at one path only
            path = self.path(one or 0)
            root = next(r for r in self.library.roots.values() if path.is_relative_to(_path(r)))
            if root.active:
                await self.library.check(root, [os.fsencode(path.relative_to(_path(root)))])
        elif kind == "unplug":
            await self.unplug(("One", "Two")[one or 0])
        elif kind == "handover":
            await self.hand_over_and_back()
        elif kind in ("tag", "rate"):
            await self.give(kind, self.path(one or 0), two or 1)
        else:
            self.change(kind, self.path(one or 0), two or 0)

    def change(self, kind: str, path: Path, two: int) -> None:
        """Something that a household does to its files, where it can be done."""
        if (kind == "new" and not path.exists()) or (kind == "edit" and path.exists()):
            self.write(path, self.new_content(bool(two)))
        elif kind == "replace" and path.exists():
            self.write(path.with_name("written beside"), self.new_content(bool(two)))
            path.with_name("written beside").replace(path)
        elif kind == "restore" and self.contents and not path.exists():
            self.write(path, self.contents[two % len(self.contents)])
        elif kind == "delete" and path.exists():
            path.unlink()
        elif kind in ("copy", "move", "link", "swap") and path.exists():
            self.change_two(kind, path, self.path(two))

    def change_two(self, kind: str, path: Path, target: Path) -> None:
        if path == target:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if kind == "swap" and target.exists():
            path.rename(path.with_name("aside"))
            target.rename(path)
            path.with_name("aside").rename(target)
        elif kind == "link" and not target.exists():
            os.link(path, target)
        elif kind in ("copy", "move") and not (target.exists() and target.samefile(path)):
            self.covered = self.covered or target.exists()
            (shutil.copy2 if kind == "copy" else shutil.move)(path, target)

    def new_content(self, tape: bool) -> bytes:
        data = content(len(self.contents), tape)
        self.contents.append(data)
        return data

    async def give(self, kind: str, path: Path, stars: int) -> None:
        """A tag or stars for the film at a place."""
        data = self.served_content(path)
        if data is None:
            return
        await self.library.scan()
        found = await self.videos.at(self.library.places(self.address(path)))
        assert found is not None
        if kind == "rate":
            await self.ratings.rate(found[0].media_hash, stars, "test")
            self.stars[data] = stars
            return
        name = f"tag {len(self.given)}"
        await self.tags.add(found[0].media_hash, name, "test")
        self.given[name] = data

    def served_content(self, path: Path) -> bytes | None:
        return path.read_bytes() if path.exists() and self.is_served(path) else None

    async def unplug(self, name: str) -> None:
        """Take a drive away, and plug it in again; LVS sees both."""
        folder = self.roots[name]
        folder.rename(folder.with_name("unplugged"))
        await self.library.scan()
        folder.with_name("unplugged").rename(folder)
        await self.library.scan()

    async def hand_over_and_back(self) -> None:
        """Hand over what a film has that is gone, and take that back: as if it had not been."""
        await self.library.scan()
        async with self.database.read() as db:
            sql = """
                SELECT v.media_hash, (SELECT media_hash FROM gallery ORDER BY video_id LIMIT 1)
                FROM videos v
                WHERE EXISTS (SELECT 1 FROM gallery)
                    AND NOT EXISTS (SELECT 1 FROM gallery g WHERE g.video_id = v.id)
                ORDER BY v.id LIMIT 1
            """
            found = await db.one(sql)
        if found is not None:
            await self.handover.hand_over(found[0], found[1], "test")
            [entry, *_] = (await self.journal.page(ChangeFilter(what="handover")))[0]
            assert (await self.journal.undo(entry.change.id, "test")).reason == ""

    async def check(self) -> None:
        await self.library.scan()
        on_disk: dict[bytes, set[str]] = {}
        present: set[bytes] = set()
        for number in range(len(PLACES)):
            path = self.path(number)
            if not path.exists() or not self.is_served(path):
                continue
            found = await self.videos.at(self.library.places(self.address(path)))
            assert found is not None, path
            video, file, _ = found
            played = Path(os.fsdecode(self.library.file_path(file.root_id, file.path)))
            assert played == path
            assert file.missing_since is None
            on_disk.setdefault(path.read_bytes(), set()).add(video.media_hash)
            present.add(path.read_bytes())
            given = self.stars.get(path.read_bytes())
            others = [self.stars[data] for data in self.stars if data not in self.everywhere()]
            if not self.covered:  # else there are two videos of one content
                assert video.rating == given if given else video.rating in (0, *others), path
            for tag in video.tags:
                if self.given[tag] != path.read_bytes():
                    # inherited from what lay there before, which is gone
                    assert self.given[tag] not in self.everywhere(), (tag, path)
        shown = list(on_disk.values())
        for one, other in itertools.combinations(shown, 2):
            assert not one & other  # contents side by side are different films
        page = await self.gallery.browse(Query(sort=Sort.TITLE, descending=False), limit=100)
        assert len({card.id for card in page.cards}) == len(page.cards)
        if not self.covered:
            assert all(len(hashes) == 1 for hashes in shown)
            assert len(page.cards) == len(present)
        for tag, data in self.given.items():
            if data in present:
                [*carriers] = [card for card in page.cards if tag in card.tags]
                assert {card.media_hash for card in carriers} & on_disk[data], tag
                assert len(carriers) == 1, tag
        async with self.database.read() as db:
            for tag in self.given:  # nothing is ever lost
                sql = (
                    "SELECT count(*) FROM video_tags JOIN tags t ON t.id = tag_id WHERE t.name = ?"
                )
                assert await db.value(sql, (tag,)) == 1, tag

    def everywhere(self) -> set[bytes]:
        """The contents that are served."""
        paths = map(self.path, range(len(PLACES)))
        return {path.read_bytes() for path in paths if path.exists() and self.is_served(path)}


def _path(root: Root) -> Path:
    return Path(os.fsdecode(root.path))


async def _live(folder: Path, steps: list[Step]) -> None:
    history = History(folder)
    await history.open()
    try:
        for each in steps:
            await history.take(*each)
        await history.check()
        await history.check()  # and a second scan changes nothing of it
    finally:
        await history.database.close()


@settings(
    max_examples=int(os.environ.get("HISTORIES", "25")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(step, min_size=4, max_size=24))
def test_every_content_is_a_film_with_its_own_address_and_what_it_was_given(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> None:
    asyncio.run(_live(tmp_path_factory.mktemp("history"), steps))
