"""Two machines as network namespaces: the announcement of a whole server, the life of a replica,
and films that are probed on the other.
"""

import bisect
import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest
from support import namespaces, processes
from support.home import distinct_video
from support.media import make_video
from support.namespaces import ADDRESSES, Cable, inside
from support.ssh_server import SSHD, SshServer, slow_worker

SUPPORT = Path(namespaces.__file__).parent
RATING_LOAD = SUPPORT / "rating_load.py"
MDNS = SUPPORT / "mdns_client.py"
SYNC_INTERVAL_S = 1.0
ROUNDS = 10 if os.environ.get("LVS_LONG_CASES") else 3
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


def serve(namespace: str, library: Path, data: Path, *flags: str, **more: str) -> processes.Server:
    """A server on every address of a machine."""
    data.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "lvs", "serve", str(library), "--data", str(data)]
    listening = ["--port", "8900", *flags]
    return processes.Server([*inside(namespace, *command), *listening], data.parent, **more)


def asked(namespace: str, address: str, *arguments: str) -> str:
    """Fetch an address with curl from a machine."""
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


def test_the_announcement_outlives_what_becomes_of_a_network_card(
    cable: Cable, library: Path, tmp_path: Path
) -> None:
    with serve(cable.one, library, tmp_path / "home" / "data", LVS_ANNOUNCE="lvs"):
        seen_by_another(cable)
        for happening in (cable.exchange_cards, cable.renew_address):
            happening()
            seen_by_another(cable)
        cable.cut()
        time.sleep(SYNC_INTERVAL_S)
        cable.plug_in()
        seen_by_another(cable)


def seen_by_another(cable: Cable) -> None:
    """A device that comes now finds the server."""
    with Browser(cable, "lvs.local") as browser:
        seen = browser.sees()
        assert (len(seen["sites"]), seen["addresses"]) == (1, [ADDRESSES[0]])


def test_a_question_from_another_network_is_not_answered_there(
    cable: Cable, library: Path, tmp_path: Path
) -> None:
    cable.route_from("10.99.0.1")
    with serve(cable.one, library, tmp_path / "home" / "data", LVS_ANNOUNCE="lvs"):
        processes.until(lambda: answered(cable, ADDRESSES[1]))
        assert not answered(cable, "10.99.0.1")
        assert answered(cable, ADDRESSES[1])  # it is still there


def answered(cable: Cable, source: str) -> bool:
    """True where a question for lvs.local to the server's address alone, sent from an address of
    the second machine, gets an answer soon.
    """
    script = """
import socket, sys
name = b"".join(bytes([len(part)]) + part for part in (b"lvs", b"local")) + b"\\0"
question = bytes((0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)) + name + bytes((0, 1, 0x80, 1))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
    asking.bind((sys.argv[1], 0))
    asking.settimeout(2)
    asking.sendto(question, (sys.argv[2], 5353))
    sys.exit(b"lvs" not in asking.recv(4096))
"""
    command = inside(cable.two, sys.executable, "-c", script, source, ADDRESSES[0])
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def test_the_doctor_sees_what_other_machines_will(
    cable: Cable, library: Path, tmp_path: Path
) -> None:
    """Also where LVS listens on one address, and another device has the name."""

    def examined(namespace: str, folder: Path, *flags: str) -> dict[str, Any]:
        folder.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "lvs", "doctor", str(library), "--json", *flags]
        where = ["--data", str(folder / "data"), "--port", "8900"]
        more = {"LVS_ANNOUNCE": "lvs"}
        done = processes.run_command(inside(namespace, *command, *where), folder, **more)
        checks = json.loads(done.stdout)["checks"]
        assert all(bool(each["next_step"]) == (each["condition"] != "ok") for each in checks)
        addresses = {
            word: each for each in checks for word in each["message"].split() if word[0].isdigit()
        }
        return addresses | {each["check"]: each for each in checks}

    home, other = tmp_path / "home", tmp_path / "other"
    with serve(cable.one, library, home / "data", "--host", ADDRESSES[0], LVS_ANNOUNCE="lvs"):
        processes.until(lambda: answered(cable, ADDRESSES[1]))
        found = examined(cable.one, home, "--host", ADDRESSES[0])
        assert found["port"]["message"] == "LVS is running on port 8900."
        assert found["mdns"]["message"] == f"lvs.local is answered with {ADDRESSES[0]}."
        with serve(cable.two, library, other / "data", LVS_ANNOUNCE="off"):
            found = examined(cable.two, other)
            assert found["mdns"]["condition"] == "warning"
            assert f"another device ({ADDRESSES[0]})" in found["mdns"]["message"]
    with serve(cable.one, library, home / "data", LVS_ANNOUNCE="off"):
        found = examined(cable.one, home)
        assert found["mdns"]["message"] == "Nobody answers to lvs.local."
        cable.join_house("203.0.113.7")
        found = examined(cable.one, home)
        assert found["203.0.113.7"]["message"].endswith(
            "only with a password: it is no home network."
        )
        assert found["203.0.113.7"]["next_step"].startswith("Run `lvs password`")


def test_a_replica_over_sftp_outlives_cuts_and_the_deaths_of_its_machine(
    cable: Cable, library: Path, tmp_path: Path
) -> None:
    url = _sftp_server(cable, tmp_path)
    data = tmp_path / "home" / "data"
    rated: list[Rated] = []
    seconds: list[float] = []
    with _sftp(cable, tmp_path):
        for number in range(ROUNDS):
            more = {"LVS_REPLICATE": url, "LVS_RATINGS_LIMIT": "0"}
            with serve(cable.one, library, data, **more) as server:
                died = _die_while_people_rate(cable, server, data, number, rated)
            began = time.monotonic()
            new = tmp_path / f"away {number}" / "data"
            _restore(cable, url, new)
            lacking = [
                each
                for each in _lacking(new / "lvs.db", rated)
                if each.after < died - 3000 * SYNC_INTERVAL_S
            ]
            assert not lacking, (number, len(rated), died, lacking)
            with serve(cable.two, library, new):
                assert "video-card" in asked(cable.two, f"http://{ADDRESSES[1]}:8900/")
            seconds.append(time.monotonic() - began)
    assert min(seconds) < 10, seconds  # of several: others use the machine, too


@dataclass(frozen=True)
class Rated:
    """Stars that were acknowledged, between two times in milliseconds."""

    media_hash: str
    stars: int
    before: int
    after: int


def _die_while_people_rate(
    cable: Cable, server: processes.Server, data: Path, number: int, rated: list[Rated]
) -> int:
    """Rate all films at once, with a cable that is out for a second, and kill server and Litestream
    in the middle of it. Gives the time of that in milliseconds, and adds what was acknowledged.
    """
    base = f"http://{ADDRESSES[0]}:8900"
    processes.until(lambda: len(_videos(cable, base)) == 3)
    if number == 0:
        processes.until(lambda: " behind" in asked(cable.one, f"{base}/admin/tiles/database"))
    hashes = [video["media_hash"] for video in _videos(cable, base)]
    people = subprocess.Popen(
        inside(cable.one, sys.executable, str(RATING_LOAD), base, *hashes),
        stdout=subprocess.PIPE,
        text=True,
    )
    time.sleep(SYNC_INTERVAL_S)
    cable.cut()
    time.sleep(SYNC_INTERVAL_S)
    cable.plug_in()
    time.sleep((5 + number % 4 / 4) * SYNC_INTERVAL_S)  # dies at another moment of a sync each time
    died = time.time_ns() // 1_000_000
    for kill in (lambda: os.kill(server.pid, signal.SIGKILL), lambda: _end_litestream(data))[
        :: 1 if number % 2 else -1
    ]:
        kill()
    output, _ = people.communicate(timeout=processes.PATIENCE_SECONDS)
    for line in output.splitlines():
        media_hash, *figures = line.split()
        rated.append(Rated(media_hash, *map(int, figures)))
    return died


def _lacking(database: Path, rated: list[Rated]) -> list[Rated]:
    """Ratings that the journal of a restored database does not know of."""
    with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as db:
        sql = """
            SELECT v.media_hash, c.new, c.at FROM changes c JOIN videos v ON v.id = c.video_id
            WHERE c.what = 'rating'
        """
        known = [(media_hash, int(new or 0), at) for media_hash, new, at in db.execute(sql)]
    times: dict[tuple[str, int], list[int]] = {}
    for media_hash, stars, at in sorted(known):
        times.setdefault((media_hash, stars), []).append(at)

    def knows(each: Rated) -> bool:
        there = times.get((each.media_hash, each.stars), [])
        index = bisect.bisect_left(there, each.before)
        return index < len(there) and there[index] <= each.after

    return [each for each in rated if not knows(each)]


def _restore(cable: Cable, url: str, data: Path) -> None:
    data.parent.mkdir()
    command = [sys.executable, "-m", "lvs", "restore", url, "--yes", "--data", str(data)]
    restored = subprocess.run(
        inside(cable.two, *command),
        env=processes.environment(data.parent),
        capture_output=True,
        text=True,
        check=False,
    )
    assert restored.returncode == 0, restored.stderr
    assert "cannot be used" not in restored.stderr  # the newest state is sound


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


def test_a_machine_that_sleeps_is_woken_once_there_is_work(
    cable: Cable, library: Path, tmp_path: Path
) -> None:
    """Its network card hears the broadcast, and the film is looked into here meanwhile."""
    card = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as card:
    card.bind(("", 9))
    print("ready", flush=True)
    print(card.recv(200).hex(), flush=True)
"""
    command = inside(cable.two, sys.executable, "-c", card)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listening:
        assert listening.stdout
        assert listening.stdout.readline() == "ready\n"
        more = {"LVS_WORKERS": f"local,ssh://{ADDRESSES[1]}?wake=aa:bb:cc:dd:ee:ff"}
        with serve(cable.one, library, tmp_path / "home" / "data", **more):
            heard = listening.stdout.readline().strip()
            assert heard == "ff" * 6 + "aabbccddeeff" * 16
            base = f"http://{ADDRESSES[0]}:8900"
            processes.until(lambda: all(video["duration_s"] for video in _videos(cable, base)))


def test_a_container_s_own_network_is_told_from_one_of_the_house(cable: Cable) -> None:
    script = """
import sys
from pathlib import Path
from lvs.services.network import addresses
marks = (Path(sys.argv[1]),)
found = addresses.host_addresses(marks=marks)
print(*(each.inside for each in found), addresses.own_network_only(found, marks))
"""

    def told(mark: str) -> str:
        command = inside(cable.one, sys.executable, "-c", script, mark)
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    assert told("/") == "True True"  # one end of a pair, which is how Docker does it
    assert told("/nowhere") == "False False"  # that is no container
    cable.join_house("192.168.9.5")
    assert told("/") == "False True False"


def _add(library: Path, there: Path, numbers: range) -> None:
    """Put films into the library, and into what the other machine sees of it."""
    for number in numbers:
        for folder in (there, library):
            (folder / f"{number}.mp4").write_bytes(distinct_video(number))
            os.utime(folder / f"{number}.mp4", (1_600_000_000,) * 2)


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


def _end_litestream(data: Path) -> None:
    """The machine is dead, and with it the Litestream beside the server."""
    with contextlib.suppress(OSError, ValueError):
        os.kill(int((data / "replication" / "litestream.pid").read_text()), signal.SIGKILL)
