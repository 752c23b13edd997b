"""Workers on another machine, started through a real sshd: what comes back, and what becomes of the
films when the machine does not answer.
"""

import os
import shutil
import socket
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from support import ssh_server
from support.home import OLD_NS, Home
from support.media import make_video
from support.ssh_server import SshServer, slow_worker

from lvs import __version__
from lvs.db import picture_signatures
from lvs.services.media.picture_signature import SIGNATURE_VERSION
from lvs.services.media.worker_hosts import wake
from lvs.worker_address import parse_worker_address

pytestmark = pytest.mark.skipif(ssh_server.SSHD is None, reason="needs sshd (openssh-server)")

FILMS = 6


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    with SshServer(tmp_path / "ssh") as server:
        yield server


def script(path: Path, content: str) -> str:
    """A program of these lines of shell."""
    path.write_text(f"#!/bin/sh\n{content}\n")
    path.chmod(0o755)
    return str(path)


def filled(home: Home, there: Path, number: int = FILMS) -> None:
    """Put films into the library, and the same into the folder of the other machine."""
    for each in range(number):
        home.add(f"{each}.mp4")
    shutil.copytree(home.library, there)


async def results(home: Home) -> list[tuple[str, bool]]:
    """Codec and poster of every film."""
    found = []
    for path in sorted(home.library.rglob("*.mp4")):
        video = await home.video(path.name)
        found.append((video.probe.video_codec if video.probe else "", bool(video.poster)))
    return found


async def start(home: Home) -> None:
    """Start LVS, with the other machine ready before there is a film."""
    await home.start()
    [host] = home.services.probes.hosts
    host._wanted.set()
    await home.until(lambda: host.state().ready or bool(host.state().failure))


async def test_films_are_probed_by_another_machine_that_only_reads(
    server: SshServer, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    home = Home(tmp_path, workers=(server.url(root=str(there)),))
    await start(home)
    try:
        filled(home, there)
        home.add("Ünïcode & 'quotes'.mp4")  # this one is not there, another is:
        (there / "Ünïcode & 'quotes'.mp4").write_bytes(b"another film")
        await home.scan()
        await home.probed()
        assert await results(home) == [("h264", True)] * (FILMS + 1)
        [state] = home.services.probes.states()
        assert (state.done, state.lost, state.failure) == (FILMS, 0, "")
        assert (home.services.jobs.tally.done, home.services.jobs.tally.failed) == (FILMS + 1, 0)
        page = await (await home.client.get("/admin/tiles/workers")).get_data(as_text=True)
        assert f"0 of 2 at work · {FILMS} done" in page
        report = await (await home.client.get("/admin/performance.json")).get_json()
        assert report["workers"]["hosts"][0]["done"] == FILMS
        posters = list((home.data / "thumbnails").glob("??/*"))
        assert len(posters) == 4 * (FILMS + 1)
        assert not list((home.data / "thumbnails" / "partial").iterdir())
    finally:
        await home.stop()


async def test_films_under_way_on_a_machine_that_dies_are_probed_here(
    server: SshServer, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    workers = ("local", server.url(root=str(there), command=slow_worker(tmp_path)))
    home = Home(tmp_path, workers=workers)
    await start(home)
    try:
        filled(home, there)
        [host] = home.services.probes.hosts
        await home.scan()
        await home.until(lambda: host.state().running == 2)
        server.kill()
        await home.probed()
        assert await results(home) == [("h264", True)] * FILMS
        tally = home.services.jobs.tally
        assert (tally.done, tally.failed, tally.unreadable) == (FILMS, 0, 0)
        state = host.state()
        assert not state.ready
        assert 1 <= state.lost <= 2
        assert 0 < state.away_s <= 60
        home.add("later.mp4")
        await home.scan()
        await home.probed()
        assert host.state().lost == state.lost  # it was not even asked

        server.start()
        host._left_until = 0.0  # the minute is over
        home.add("again.mp4")
        await home.scan()
        await home.until(lambda: host.state().ready)
        assert host.state().failure == ""
    finally:
        await home.stop()


def long_film(home: Home, name: str) -> Path:
    """A film with pictures enough for a strip and a signature."""
    path = make_video(home.library / name, seconds=8, size=(160, 90), seed=len(name))
    os.utime(path, ns=(OLD_NS, OLD_NS))
    return path


async def want_strip(home: Home, name: str) -> None:
    """Open a film's page, so to say."""
    card = await home.services.gallery.card((await home.video(name)).id)
    assert card is not None
    assert home.services.scenes.request(card)


async def until_strip(home: Home, name: str) -> None:
    """Wait for a film's strip, which has to be whole."""
    card = await home.services.gallery.card((await home.video(name)).id)
    assert card is not None

    async def is_there() -> bool:
        return await home.services.scenes.of_card(card) is not None

    await home.until(is_there)
    made = await home.services.scenes.of_card(card)
    assert made is not None
    assert len(made.scenes) == 4
    sheet = await home.services.scenes.sheet(made.key)
    with Image.open(BytesIO(sheet or b"")) as picture:
        assert (picture.format, picture.size) == ("WEBP", made.sheet_size)


async def test_strips_and_signatures_are_made_by_another_machine_or_here(
    server: SshServer, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    url = server.url(root=str(there), command=slow_worker(tmp_path))
    home = Home(tmp_path, workers=("local", url))
    await start(home)
    try:
        names = ("one.mp4", "other.mp4", "late.mp4")
        for name in names:
            long_film(home, name)
        shutil.copytree(home.library, there)
        long_film(home, "not there.mp4")
        await home.scan()
        await home.probed()
        [host] = home.services.probes.hosts
        await want_strip(home, "one.mp4")
        await want_strip(home, "not there.mp4")
        for name in ("one.mp4", "not there.mp4"):
            await until_strip(home, name)
        assert host.state().strips == 1
        await home.services.picture_comparison.catch_up()
        assert host.state().signatures == 3
        async with home.services.database.read() as db:
            signed = await picture_signatures.signatures(db, SIGNATURE_VERSION, 0, 10)
        assert [len(each.pictures) > 0 for each in signed] == [True] * 4

        for name in names[1:]:
            await want_strip(home, name)
        await home.until(lambda: host.state().running > 0)
        server.kill()
        for name in names[1:]:
            await until_strip(home, name)
        state = host.state()
        assert (state.ready, state.strips) == (False, 1)
        assert 1 <= state.lost <= 2
        assert not list((home.data / "scenes" / "partial").iterdir())
        page = await (await home.client.get("/admin/tiles/workers")).get_data(as_text=True)
        assert "Its work is done here" in page
    finally:
        await home.stop()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"command": "/nowhere/lvs"}, "not found"),
        ({"known_hosts": "/dev/null"}, "Host key verification failed"),
        ({"command": "OTHER"}, f"another version of LVS ('0.1'); install {__version__}"),
        ({"command": "CHATTY"}, "must print nothing"),
    ],
)
async def test_a_machine_that_cannot_be_used_says_why_and_costs_no_film(
    server: SshServer, tmp_path: Path, settings: dict[str, str], told: str
) -> None:
    programs = {
        "OTHER": script(tmp_path / "other", """read line; echo '{"lvs": "0.1"}'"""),
        "CHATTY": script(tmp_path / "chatty", "echo Welcome!; cat"),
    }
    settings = {name: programs.get(value, value) for name, value in settings.items()}
    home = Home(tmp_path, workers=("local", server.url(**settings)))
    await start(home)
    try:
        [state] = home.services.probes.states()
        assert told in state.failure
        filled(home, tmp_path / "there", 2)
        await home.scan()
        await home.probed()
        assert await results(home) == [("h264", True)] * 2
        page = await (await home.client.get("/admin/tiles/workers")).get_data(as_text=True)
        assert "Its work is done here" in page
    finally:
        await home.stop()


async def test_a_film_that_no_decoder_can_read_is_judged_here(
    server: SshServer, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    home = Home(tmp_path, workers=(server.url(root=str(there)),))
    await start(home)
    try:
        home.add("broken.mp4", b"no film at all" * 1000)
        shutil.copytree(home.library, there)
        await home.scan()
        await home.probed()
        tally = home.services.jobs.tally
        assert (tally.done, tally.failed, tally.unreadable) == (0, 0, 1)
        [state] = home.services.probes.states()
        assert (state.ready, state.done, state.lost) == (True, 0, 0)
    finally:
        await home.stop()


def test_waking_sends_the_packet_of_wake_on_lan() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as network_card:
        network_card.bind(("127.0.0.1", 0))
        network_card.settimeout(10)
        address = parse_worker_address("ssh://desktop?wake=aa:bb:cc:dd:ee:ff").wake
        wake(address, *network_card.getsockname())
        assert network_card.recv(200) == b"\xff" * 6 + bytes.fromhex("aabbccddeeff") * 16


def test_an_address_says_where_films_lie_over_there() -> None:
    address = parse_worker_address(
        "ssh://me@desktop:2222/?root=/mnt/films/&root=&root=/c&processes=4"
    )
    folders = [Path("/srv/films"), Path("/srv/away"), Path("/srv/clips")]
    assert (address.user, address.host, address.port, address.processes) == (
        "me",
        "desktop",
        2222,
        4,
    )
    assert address.name == "desktop:2222"
    assert address.place(folders, b"/srv/films/a/b.mp4") == (b"/mnt/films", b"a/b.mp4")
    assert address.place(folders, b"/srv/away/b.mp4") is None
    assert address.place(folders, b"/srv/clips/b.mp4") == (b"/c", b"b.mp4")
    assert address.place(folders, b"/srv/filmsters/b.mp4") is None
    same = parse_worker_address("ssh://desktop")
    assert same.place(folders, b"/srv/films/b.mp4") == (b"/srv/films", b"b.mp4")


@pytest.mark.parametrize(
    "text",
    [
        "desktop",
        "ssh://",
        "http://desktop",
        "ssh://-oProxyCommand=x",
        "ssh://-l@desktop",
        "ssh://me:secret@desktop",
        "ssh://desktop/path",
        "ssh://desktop?root=films",
        "ssh://desktop?processes=0",
        "ssh://desktop?processes=many",
        "ssh://desktop?wake=aa:bb",
        "ssh://desktop?other=1",
        "ssh://desktop?key=/a&key=/b",
        "ssh://desktop:99999",
    ],
)
def test_an_invalid_worker_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the option says what is wrong
        parse_worker_address(text)
