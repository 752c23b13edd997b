"""A server that watches: it answers and stops while the watch is set up, follows no link, and says
where it cannot watch.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.home import OLD_NS, distinct_video
from support.processes import Server, until

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="inotify, LD_PRELOAD and namespaces are Linux's"
)

ANSWER_S = 2.0
SLOW_STATX = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
int statx(int folder, const char *path, int flags, unsigned mask, struct statx *buffer) {
    int (*real)(int, const char *, int, unsigned, struct statx *) = dlsym(RTLD_NEXT, "statx");
    const char *below = getenv("SLOW_BELOW");
    if (below && path && strstr(path, below)) usleep(20000);
    return real(folder, path, flags, mask, buffer);
}
"""


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(distinct_video())
    os.utime(path, ns=(OLD_NS, OLD_NS))


def ask(server: Server, path: str) -> Any:
    with urllib.request.urlopen(
        f"http://127.0.0.1:{server.port}{path}", timeout=ANSWER_S
    ) as answer:
        content = answer.read()
    return json.loads(content)


def titles(server: Server) -> set[str]:
    return {video["title"] for video in ask(server, "/api/videos?limit=500")["videos"]}


def watcher(server: Server) -> str:
    state: str = ask(server, "/admin/performance.json")["library"]["folders"][0]["watcher"]
    return state


def serving(library: Path, folder: Path, *before: str, **environment: str) -> Server:
    place = ["--data", folder / "data", "--host", "127.0.0.1", "--port", "0"]
    options = {"LVS_SCAN_INTERVAL": "0", "LVS_SETTLE_SECONDS": "0.2", "LVS_POLL_INTERVAL": "1"}
    command: list[object] = [*before, sys.executable, "-m", "lvs", "serve", library, *place]
    return Server(command, folder, **(options | environment))


def slow_disk(folder: Path) -> dict[str, str]:
    """The environment in which each question after what lies in the library takes 20 ms."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler here")
    (folder / "slow.c").write_text(SLOW_STATX)
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-o", folder / "slow.so", folder / "slow.c", "-ldl"], check=True
    )
    return {"LD_PRELOAD": str(folder / "slow.so"), "SLOW_BELOW": "/Videos/"}


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A library with a film and many folders and files."""
    library = tmp_path / "Videos"
    put(library / "film.mp4")
    for number in range(100):
        folder = library / f"folder {number}"
        folder.mkdir()
        for name in range(20):
            (folder / f"{name}.txt").touch()
    return library


def test_a_slow_disk_holds_up_nobody_while_the_watch_is_set_up(tmp_path: Path, large: Path) -> None:
    with serving(large, tmp_path, **slow_disk(tmp_path)) as server:
        answers = 0
        while watcher(server) != "watching":
            assert ask(server, "/ping")  # within ANSWER_S
            answers += 1
        assert answers
        put(large / "folder 99" / "new.mp4")
        until(lambda: titles(server) == {"film", "new"})


@pytest.mark.parametrize("mode", ["auto", "poll"])
def test_a_server_stops_when_told_while_it_begins_to_watch(
    tmp_path: Path, large: Path, mode: str
) -> None:
    with serving(large, tmp_path, LVS_WATCH=mode, **slow_disk(tmp_path)) as server:
        assert watcher(server) != "watching"
        assert server.stop() == 0


@pytest.mark.parametrize("mode", ["auto", "poll"])
def test_a_link_to_everything_costs_nothing(tmp_path: Path, mode: str) -> None:
    library = tmp_path / "Videos"
    put(library / "film.mp4")
    (library / "everything").symlink_to("/")
    (library / "itself").symlink_to(library)
    with serving(library, tmp_path, LVS_WATCH=mode) as server:
        until(lambda: watcher(server) in {"watching", "polling"})
        process = psutil.Process(server.pid)
        before = memory(process)
        for number in range(3):
            put(library / f"new {number}.mp4")
            until(lambda number=number: f"new {number}" in titles(server))  # type: ignore[misc]
        assert titles(server) == {"film", "new 0", "new 1", "new 2"}
        assert memory(process) < before + 100_000_000  # the films' own workers start meanwhile
        assert server.stop() == 0


def memory(process: psutil.Process) -> int:
    """Memory of a server and its watch process together, in bytes; the workers that probe films
    have a bound of their own.
    """
    processes = [
        process,
        *(child for child in process.children() if "watch_worker" in "".join(child.cmdline())),
    ]
    return sum(one.memory_info().rss for one in processes)


@pytest.mark.parametrize(
    ("limit", "value", "words"),
    [
        ("watches", 10, "max_user_watches"),
        ("watches", 0, "max_user_watches"),
        ("instances", 0, "max_user_instances"),
    ],
)
def test_a_limit_of_the_system_is_told_and_the_folder_polled(
    tmp_path: Path, large: Path, limit: str, value: int, words: str
) -> None:
    with serving(
        large, tmp_path, *in_namespace(f"echo {value} > /proc/sys/user/max_inotify_{limit}")
    ) as server:
        until(lambda: watcher(server) == "polling")
        put(large / "folder 50" / "new.mp4")
        until(lambda: titles(server) == {"film", "new"})
        troubles = ask(server, "/admin/performance.json")["troubles"]
        hints = [each["advice"] for each in troubles if "cannot be watched" in each["sentence"]]
        assert [words in hint for hint in hints] == [True]
        assert server.stop() == 0
    assert words in server_log(tmp_path)


def in_namespace(setting: str) -> list[str]:
    """The beginning of a command that runs in a user namespace, where limits can be set."""
    before = ["unshare", "-U", "-r"]
    if (
        shutil.which("unshare") is None
        or subprocess.run(
            [*before, "sh", "-c", setting], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("limits cannot be set here")
    return [*before, "sh", "-c", f'{setting}; exec "$@"', "sh"]


def server_log(folder: Path) -> str:
    return "".join(
        file.read_text(encoding="utf-8") for file in (folder / "data" / "logs").iterdir()
    )


def test_a_watch_that_breaks_down_begins_again_and_nothing_is_missed(tmp_path: Path) -> None:
    library = tmp_path / "Videos"
    put(library / "film.mp4")
    with serving(library, tmp_path) as server:
        until(lambda: watcher(server) == "watching")
        [watch] = [
            child
            for child in psutil.Process(server.pid).children()
            if "watch_worker" in "".join(child.cmdline())
        ]
        os.kill(watch.pid, signal.SIGKILL)
        watch.wait(10)
        put(library / "meanwhile.mp4")
        until(lambda: titles(server) == {"film", "meanwhile"})
