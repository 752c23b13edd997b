"""Films that are converted on another machine, behind a real sshd: its pieces fit those made here,
and where it does not deliver, they are made here, in the same request.
"""

import asyncio
import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import av
import psutil
import pytest
from support import ssh_server
from support.home import Home
from support.media import make_video
from support.ssh_server import LVS, SshServer

from lvs.services.media.worker_hosts import HostState
from lvs.services.playback.player import PlayedVideo

pytestmark = pytest.mark.skipif(ssh_server.SSHD is None, reason="needs sshd (openssh-server)")

SECONDS, VARIANT, CLIENT = 8, "h264-720-a0", "10.0.0.1"
PIECES = 5  # 0, 1, 2, 4 and 6 seconds
SHORT_LIFE = """
import sys
sys.path.append(sys.argv[1])
import lvs.services.playback.remote_player as worker
worker.main(2 << 30, unasked_s=1)
"""
OF_ANOTHER_VERSION = """
from lvs.services.playback.player_worker import serve
from lvs.services.playback.remote_player import RemoteVideo
class Other(RemoteVideo):
    def answer(self, request, desk):
        answer, content = super().answer(request, desk)
        return answer, content + bytes(8) if request["do"] == "init" else content
serve(Other(), 2 << 30)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    with SshServer(tmp_path / "ssh") as server:
        yield server


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("film") / "seed.avi"
    make_video(
        path, seconds=SECONDS, size=(160, 90), frames_per_second=25, video_codec="mpeg4", sound=True
    )
    return path.read_bytes()


class FarHome(Home):
    """A household with another machine, whose player workers note their process ids."""

    def __init__(self, folder: Path, server: SshServer) -> None:
        self.there, self._notes = folder / "there", folder / "notes"
        self._notes.mkdir()
        self.program = program = folder / "noted"
        program.write_text(
            f'#!/bin/sh\ncase "$*" in *player*) : > {self._notes}/$$;; esac\nexec {LVS} "$@"\n'
        )
        program.chmod(0o755)
        url = server.url(root=str(self.there), command=str(program), processes="1")
        super().__init__(folder, ("Videos", "Elsewhere"), workers=("local", url))

    @property
    def far_workers(self) -> list[int]:
        """The player workers that run on the other machine."""
        found = [int(note.name) for note in self._notes.iterdir()]
        return [each for each in found if psutil.pid_exists(each)]

    async def start(self) -> None:
        """Start the server. A machine that runs other tests, too, waits longer than a viewer."""
        await super().start()
        players = self.services.playback.pool.elsewhere
        players.start_s = players.piece_s = 60

    def state(self) -> HostState:
        [state] = self.services.probes.states()
        return state

    async def film(self, name: str, library: int = 0) -> PlayedVideo:
        playback = self.services.playback
        video = await self.video(name, library)
        return playback.played(video, playback.address(video).split("/")[3])

    async def piece(self, film: PlayedVideo, number: int) -> bytes:
        return await self.services.playback.segment(film, VARIANT, number, CLIENT)

    def forget(self) -> None:
        """Have every piece made again."""
        self.services.playback.pool.cache._sizes.clear()


@pytest.fixture
async def home(server: SshServer, seed: bytes, tmp_path: Path) -> AsyncIterator[FarHome]:
    home = FarHome(tmp_path, server)
    home.add("film.avi", seed)
    home.add("other.avi", seed + b"another")
    home.add("away.avi", seed + b"away", library=1)
    shutil.copytree(home.library, home.there)
    (home.there / "other.avi").write_bytes(b"not the same")
    async with home:
        await home.probed()
        [host] = home.services.probes.hosts
        await home.until(lambda: host.reaches(os.fsencode(home.library.resolve() / "film.avi")))
        yield home


def pictures(content: bytes) -> int:
    """The number of pictures in pieces behind their init segment, all of which can be decoded."""
    with av.open(io.BytesIO(content)) as film:
        return len(list(film.decode(video=0)))


async def test_a_film_is_converted_there_and_goes_on_here_when_that_machine_dies(
    home: FarHome, server: SshServer
) -> None:
    film = await home.film("film.avi")
    master = await home.services.playback.master(film, CLIENT, audio=0, converted=False, height=0)
    assert f"{VARIANT}/index.m3u8" in master
    init = await home.services.playback.init(film, VARIANT, CLIENT)
    far = [await home.piece(film, number) for number in range(PIECES)]
    assert (home.state().pieces, home.state().films, len(home.far_workers)) == (PIECES, 1, 1)
    assert pictures(init + b"".join(far)) == SECONDS * 25
    [conversion] = home.services.playback.pool.conversions()
    assert (conversion.place, conversion.segments) == (home.state().name, PIECES)
    tile = await (await home.client.get("/admin/tiles/workers")).get_data(as_text=True)
    assert f"{PIECES} converted pieces · converts 1 film now" in tile

    workers = home.far_workers
    home.forget()
    left = asyncio.create_task(home.piece(film, 4))
    await asyncio.sleep(0.02)
    left.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await left
    assert await home.piece(film, 0) == far[0]
    assert home.far_workers == workers  # it let go, and made another

    home.forget()
    made = home.state().pieces
    os.kill(workers[0], signal.SIGSTOP)  # it would be done before the machine dies
    under_way = asyncio.create_task(home.piece(film, 2))
    await asyncio.sleep(0.2)
    server.kill()
    with contextlib.suppress(ProcessLookupError):  # it may be gone with its connection
        os.kill(workers[0], signal.SIGCONT)
    mixed = [far[0], far[1], await under_way, await home.piece(film, 3), await home.piece(film, 4)]
    assert pictures(init + b"".join(mixed)) == SECONDS * 25
    state = home.state()
    assert (state.ready, state.lost, state.pieces, state.films) == (False, 1, made, 0)
    assert 0 < state.away_s <= 60
    [conversion] = home.services.playback.pool.conversions()
    assert conversion.place == ""
    await home.until(lambda: not home.far_workers)
    assert not [each for each in psutil.Process().children() if each.name() == "ssh"]


async def test_only_films_that_lie_there_are_converted_there(home: FarHome) -> None:
    other, away = await home.film("other.avi"), await home.film("away.avi", 1)
    assert await home.piece(other, 0)
    assert await home.piece(other, 1)
    assert await home.piece(away, 0)
    state = home.state()
    assert (state.ready, state.pieces, state.lost) == (True, 0, 0)
    await home.until(lambda: not home.far_workers)


async def test_pieces_that_would_not_fit_those_of_this_machine_are_made_here(home: FarHome) -> None:
    program = home.program.read_text()
    home.program.write_text(
        program.replace(
            "exec", f"[ $# = 3 ] || exec {sys.executable} -c '{OF_ANOTHER_VERSION}'\nexec"
        )
    )
    film = await home.film("film.avi")
    assert await home.piece(film, 1)
    state = home.state()
    assert (state.ready, state.pieces, state.lost, state.films) == (True, 0, 0, 0)
    tile = await (await home.client.get("/admin/tiles/workers")).get_data(as_text=True)
    assert "It converts no films: its PyAV is of another version." in tile
    await home.until(lambda: not home.far_workers)


async def test_a_worker_there_ends_when_nobody_asks_and_makes_room_for_another_film(
    home: FarHome,
) -> None:
    film = await home.film("film.avi")
    home.services.playback.pool.elsewhere._idle_s = 0.2
    assert await home.piece(film, 1)
    assert home.state().pieces == 1
    await home.until(lambda: not home.far_workers)
    assert home.state().films == 0
    assert await home.piece(film, 2)
    assert home.state().pieces == 2


def test_a_worker_ends_where_its_server_is_gone_without_a_word() -> None:
    source = str(Path(ssh_server.__file__).parents[2] / "src")
    worker = subprocess.Popen(
        [sys.executable, "-c", SHORT_LIFE, source], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert worker.wait(60) == -signal.SIGALRM
    finally:
        worker.kill()
        worker.communicate()
