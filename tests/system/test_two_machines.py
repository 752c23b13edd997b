"""Two machines as network namespaces: the announcement of a whole server, the life of a replica,
and films that are looked into on the other.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from support import namespaces, processes
from support.home import distinct_video
from support.media import make_video
from support.namespaces import ADDRESSES, Cable, inside
from support.ssh_server import SSHD, SshServer, slow_worker

SUPPORT = Path(namespaces.__file__).parent
MDNS = Path(__file__).parents[1] / "services" / "network" / "mdns_client.py"
SYNC_INTERVAL_S = 1.0
OBSTACLE = namespaces.obstacle()
pytestmark = pytest.mark.skipif(bool(OBSTACLE), reason=OBSTACLE)


@pytest.fixture
def cable() -> Iterator[Cable]:
    with Cable() as cable:
        yield cable


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.mp4").write_bytes(distinct_video(number))
        os.utime(folder / f"{number}.mp4", (1_600_000_000,) * 2)
    return folder


def serve(namespace: str, library: Path, data: Path, **more: str) -> processes.Server:
    """A server on every address of a machine."""
    data.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "lvs", "serve", str(library), "--data", str(data)]
    return processes.Server([*inside(namespace, *command), "--port", "8900"], data.parent, **more)


def asked(namespace: str, address: str, *arguments: str) -> str:
    """What curl gets there from a machine."""
    command = inside(namespace, "curl", "-sSf", "-m", "20", *arguments, address)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Browser:
    """A device on the second machine that looks for LVS by mDNS."""

    def __init__(self, cable: Cable, name: str) -> None:
        command = inside(cable.two, sys.executable, str(MDNS), ADDRESSES[1], name, "30")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def sees(self, wanted: str = "") -> Any:
        assert self._process.stdin
        assert self._process.stdout
        if wanted:
            self._process.stdin.write(f"{wanted}\n")
            self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.communicate()


def test_another_machine_finds_the_server_and_hears_that_it_ends(
    cable: Cable, library: Path, tmp_path: Path
) -> None:
    with serve(cable.one, library, tmp_path / "home" / "data", LVS_ANNOUNCE="lvs") as server:
        assert "  http://lvs.local:8900" in server.lines
        assert f"  http://{ADDRESSES[0]}:8900" in server.lines
        with Browser(cable, "lvs.local") as browser:
            seen = browser.sees()
            assert seen["addresses"] == [ADDRESSES[0]]
            [site] = seen["sites"]
            assert (site["server"], site["port"]) == ("lvs.local.", 8900)
            connect = f"http://{ADDRESSES[0]}:8900/connect"

            def named() -> bool:
                page = asked(cable.two, connect, "-H", "Host: lvs.local")
                return f"http://{ADDRESSES[0]}:8900" in page and "http://lvs.local:8900" in page

            processes.until(named)
            cable.add_address("10.231.7.9")
            processes.until(lambda: "10.231.7.9" in browser.sees("present")["addresses"])
            server.stop()
            assert browser.sees("gone")["sites"] == []


def test_a_replica_over_sftp_outlives_cuts_and_the_death_of_its_machine(
    cable: Cable, library: Path, tmp_path: Path
) -> None:
    url = _sftp_server(cable, tmp_path)
    told: dict[str, tuple[int, float]] = {}
    data = tmp_path / "home" / "data"
    with (
        _sftp(cable, tmp_path),
        serve(cable.one, library, data, LVS_REPLICATE=url, LVS_RATINGS_LIMIT="0") as server,
    ):
        base = f"http://{ADDRESSES[0]}:8900"
        processes.until(lambda: len(_videos(cable, base)) == 3)
        hashes = [video["media_hash"] for video in _videos(cable, base)]
        processes.until(lambda: " behind" in asked(cable.one, f"{base}/admin/tiles/database"))
        for round_number in range(10):
            for number in range(6):
                media_hash = hashes[number % 3]
                value = 1 + (round_number + number) % 5
                asked(cable.one, f"{base}/api/ratings/{media_hash}", *_rating(value))
                told[media_hash] = (value, time.monotonic())
            if round_number % 3 == 1:
                cable.cut()
                asked(cable.one, f"{base}/api/ratings/{hashes[0]}", *_rating(3))
                told[hashes[0]] = (3, time.monotonic())
                cable.plug_in()
        _until_caught_up(cable, base)
        os.kill(server.pid, signal.SIGKILL)
        died = time.monotonic()
        _end_litestream(data)
        new = tmp_path / "away" / "data"
        new.parent.mkdir()
        restored = subprocess.run(
            inside(
                cable.one, sys.executable, "-m", "lvs", "restore", url, "--yes", "--data", str(new)
            ),
            env=processes.environment(tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )
        assert restored.returncode == 0, restored.stderr
    with serve(cable.two, library, new):
        away = f"http://{ADDRESSES[1]}:8900"
        for media_hash, (value, at) in told.items():
            if died - at > 3 * SYNC_INTERVAL_S:
                found = json.loads(asked(cable.two, f"{away}/api/ratings/{media_hash}"))
                assert found["user"]["value"] == value
        assert "video-card" in asked(cable.two, f"{away}/")


@pytest.mark.skipif(SSHD is None, reason="needs sshd (openssh-server)")
@pytest.mark.parametrize("end", ["the cable is cut", "sshd is killed"])
def test_films_under_way_on_another_machine_end_probed_once(
    cable: Cable, tmp_path: Path, end: str
) -> None:
    library, there = tmp_path / "films", tmp_path / "there"
    library.mkdir()
    there.mkdir()
    cable.delay(60)
    with SshServer(tmp_path / "ssh", ADDRESSES[1], tuple(inside(cable.two))) as ssh:
        url = ssh.url(root=str(there), command=slow_worker(tmp_path))
        more = {"LVS_WORKERS": f"local,{url}", "LVS_SETTLE_SECONDS": "0.2"}
        with serve(cable.one, library, tmp_path / "home" / "data", **more):
            base = f"http://{ADDRESSES[0]}:8900"

            def workers() -> Any:
                return json.loads(asked(cable.one, f"{base}/admin/performance.json"))["workers"]

            _add(library, there, range(3))
            processes.until(lambda: workers()["hosts"][0]["ready"] and workers()["done"] == 3)
            _add(library, there, range(3, 11))
            processes.until(lambda: workers()["hosts"][0]["running"] == 2)
            cable.cut() if end == "the cable is cut" else ssh.kill()
            processes.until(lambda: not workers()["hosts"][0]["ready"])
            processes.until(lambda: workers()["remaining"] == 0 and workers()["done"] >= 11)
            found = workers()
            assert (found["done"], found["failed"], found["unreadable"]) == (11, 0, 0)
            assert 1 <= found["hosts"][0]["lost"] <= 2
            assert found["hosts"][0]["failure"]
            assert all(video["duration_s"] for video in _videos(cable, base))


@pytest.mark.skipif(SSHD is None, reason="needs sshd (openssh-server)")
def test_a_film_that_is_converted_elsewhere_goes_on_here_when_the_cable_is_cut(
    cable: Cable, tmp_path: Path
) -> None:
    library = tmp_path / "films"
    library.mkdir()
    make_video(library / "old.avi", seconds=60, video_codec="mpeg4")
    os.utime(library / "old.avi", (1_600_000_000,) * 2)
    with SshServer(tmp_path / "ssh", ADDRESSES[1], tuple(inside(cable.two))) as ssh:
        more = {"LVS_WORKERS": f"local,{ssh.url()}"}
        with serve(cable.one, library, tmp_path / "home" / "data", **more):
            base = f"http://{ADDRESSES[0]}:8900"
            processes.until(lambda: any(video["duration_s"] for video in _videos(cable, base)))
            page = asked(cable.one, f"{base}/watch/old.avi")
            found = re.search(r"/hls/\w+/\w+/", page)
            assert found
            film = f"{base}{found[0]}"

            def host() -> Any:
                report = json.loads(asked(cable.one, f"{base}/admin/performance.json"))
                return report["workers"]["hosts"][0]

            processes.until(lambda: host()["ready"])
            variant = asked(cable.one, f"{film}master.m3u8").splitlines()[-1].split("/")[0]
            pieces = (f"{film}{variant}/{number}.m4s" for number in range(30))

            def is_made_there() -> bool:
                asked(cable.one, next(pieces), "-o", os.devnull)
                return bool(host()["pieces"])

            processes.until(is_made_there)  # the first ones do not wait for a slow start
            made = host()["pieces"]
            assert host()["films"] == 1
            cable.cut()
            for _ in range(2):
                asked(cable.one, next(pieces), "-o", os.devnull)
            state = host()
            assert (state["ready"], state["pieces"], state["films"]) == (False, made, 0)


def _add(library: Path, there: Path, numbers: range) -> None:
    """Put films into the library, and into what the other machine sees of it."""
    for number in numbers:
        for folder in (there, library):
            (folder / f"{number}.mp4").write_bytes(distinct_video(number))
            os.utime(folder / f"{number}.mp4", (1_600_000_000,) * 2)


def _rating(value: int) -> list[str]:
    return [
        "-X",
        "POST",
        "-H",
        "Content-Type: application/json",
        "-d",
        json.dumps({"value": value}),
    ]


def _videos(cable: Cable, base: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(asked(cable.one, f"{base}/api/videos"))["videos"]
    return found


def _sftp_server(cable: Cable, folder: Path) -> str:
    """Make its keys, and give the address of the replica."""
    for name in ("host", "user"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True)
    kind, key, *_ = (folder / "host.pub").read_text().split()
    (folder / "known_hosts").write_text(f"[{ADDRESSES[1]}]:2222 {kind} {key}\n")
    (folder / "nas").mkdir()
    return f"sftp://me@{ADDRESSES[1]}:2222/lvs?key={folder}/user&known_hosts={folder}/known_hosts"


@contextlib.contextmanager
def _sftp(cable: Cable, folder: Path) -> Iterator[None]:
    arguments = ["2222", str(folder / "nas"), str(folder / "host"), str(folder / "user.pub")]
    script = str(SUPPORT / "sftp_server.py")
    command = inside(cable.two, sys.executable, script, *arguments, ADDRESSES[1])
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        assert server.stdout.readline() == "ready\n"
        try:
            yield
        finally:
            server.kill()


def _until_caught_up(cable: Cable, base: str) -> None:
    """Wait until the tile says that the replica is a few seconds behind at most."""

    def close() -> bool:
        tile = asked(cable.one, f"{base}/admin/tiles/database")
        found = re.search(r"([0-9.]+) s behind", tile)
        return bool(found) and float(found[1]) < 3  # type: ignore[index]

    time.sleep(3 * SYNC_INTERVAL_S)
    processes.until(close)


def _end_litestream(data: Path) -> None:
    """The machine is dead, and with it the Litestream beside the server."""
    with contextlib.suppress(OSError, ValueError):
        os.kill(int((data / "replication" / "litestream.pid").read_text()), signal.SIGKILL)
