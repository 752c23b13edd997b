"""`/connect` and the greeting: addresses that were tried, and codes that a phone reads."""

import ipaddress
import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import loopback, processes
from support.home import Home
from support.pictures import decoded, drawn_svg, terminal_picture

from lvs.services.network import reachability
from lvs.services.network.addresses import CONTAINER_MARKS, HostAddress, host_addresses, url
from lvs.services.network.discovery import Discovery, ListeningPorts
from lvs.services.network.reachability import Connectivity, Reachability, answers_at

STATE = re.compile(
    r'<a href="([^"]+)/">[^<]*</a>\s*<span class="meta">([^<]*)</span>\s*<span class="state (\w+)">'
)


def served(tmp_path: Path, *flags: str) -> processes.Server:
    library = tmp_path / "films"
    library.mkdir()
    return processes.serving(library, tmp_path, *flags)


def test_the_page_tries_the_addresses_and_names_those_that_answer(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        page = loopback.get(f"{server.address}/connect").text
        found = {address: state for address, _, state in STATE.findall(page)}
        assert found[f"http://localhost:{server.port}"] == "yes"
        for each in host_addresses():
            assert found[f"http://{each}:{server.port}"] == "no"
        assert "LVS listens to this computer only" in page
        assert "style=" not in page


def test_a_public_address_comes_first_and_scans(tmp_path: Path) -> None:
    public = "https://films.example.home.arpa/lvs"
    with processes.Server(
        [*processes.SERVE, library(tmp_path), "--data", tmp_path / "data"],
        tmp_path,
        LVS_PUBLIC_URL=public,
    ) as server:
        assert f"  {public}" in server.lines
        page = loopback.get(f"{server.address}/connect").text
        [svg] = re.findall(r"<svg[^>]*class=\"qr\".*?</svg>", page, re.DOTALL)
        assert decoded(drawn_svg(svg)) == [public]
        assert f'<kbd class="address">{public}</kbd>' in page


def library(folder: Path) -> Path:
    (folder / "films").mkdir()
    return folder / "films"


def test_with_https_the_page_names_both_and_what_vr_needs(tmp_path: Path) -> None:
    with served(tmp_path, "--tls-self-signed") as server:
        page = loopback.get(f"{server.address}/connect").text
        found = {address: state for address, _, state in STATE.findall(page)}
        assert found[f"http://localhost:{server.port}"] == "yes"
        assert found[server.secure_address.replace("127.0.0.1", "localhost")] == "yes"


async def test_without_a_network_the_page_says_so(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await (await home.client.get("/connect")).get_data(as_text=True)
    assert "No address is known yet" in answer  # nothing listens in a test without a socket


HOUSE = HostAddress("eth0", ipaddress.ip_address("192.168.1.5"), inside=False)
DOCKER = HostAddress("docker0", ipaddress.ip_address("172.17.0.1"), inside=True)
VPN = HostAddress("wg0", ipaddress.ip_address("10.8.0.2"), inside=False, tunnel=True)
OVERLAY = HostAddress("tailscale0", ipaddress.ip_address("100.72.1.9"), False, tunnel=True)


async def connectivity(
    monkeypatch: pytest.MonkeyPatch,
    own: list[HostAddress],
    marks: Sequence[Path] = CONTAINER_MARKS,
    **more: Any,
) -> Connectivity:
    """The addresses of `/connect` if this machine has these."""

    async def status(host: str, _port: int, _tls: bool, _root: str) -> int:
        return {"172.17.0.1": 0, "100.72.1.9": 403}.get(host, 200)

    monkeypatch.setattr(reachability, "host_addresses", lambda _ipv6, _marks: own)
    monkeypatch.setattr(reachability, "status_at", status)
    found = Reachability("0.0.0.0", more.pop("public_url", ""), Discovery(""), "/lvs", marks)
    found.listening(ListeningPorts(8900, **more))
    return await found.now()


async def test_addresses_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    now = await connectivity(monkeypatch, [HOUSE, VPN, OVERLAY, DOCKER])
    assert now.best == "http://192.168.1.5:8900/lvs"
    assert now.secure == ""
    assert [(each.url, each.answers, each.for_phones, each.hint) for each in now.addresses] == [
        ("http://192.168.1.5:8900/lvs", True, True, ""),
        ("http://10.8.0.2:8900/lvs", True, True, reachability.TUNNEL),
        ("http://100.72.1.9:8900/lvs", False, False, reachability.REFUSED),
        ("http://172.17.0.1:8900/lvs", False, False, reachability.INSIDE),
        ("http://localhost:8900/lvs", True, False, reachability.OWN_ONLY),
    ]


async def test_the_address_for_vr_is_the_one_with_https(monkeypatch: pytest.MonkeyPatch) -> None:
    now = await connectivity(monkeypatch, [HOUSE, DOCKER], secure_port=8943)
    assert now.best == "http://192.168.1.5:8900/lvs"
    assert now.secure == "https://192.168.1.5:8943/lvs"
    assert [each.url for each in now.addresses if each.answers] == [
        "http://192.168.1.5:8900/lvs",
        "https://192.168.1.5:8943/lvs",
        "http://localhost:8900/lvs",
        "https://localhost:8943/lvs",
    ]
    behind_proxy = await connectivity(monkeypatch, [HOUSE], public_url="https://films.lan")
    assert (behind_proxy.best, behind_proxy.secure) == ("https://films.lan",) * 2


async def test_a_container_without_the_network_of_its_host_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mark = tmp_path / ".dockerenv"
    now = partial(connectivity, monkeypatch, marks=(mark,))
    assert reachability.CONTAINER not in (await now([DOCKER])).warnings
    mark.touch()
    alone = await now([DOCKER])
    assert (alone.best, alone.warnings) == ("", (reachability.CONTAINER,))
    assert (await now([HOUSE, DOCKER])).warnings == ()
    told = await now([DOCKER], public_url="http://nas.local:8900")
    assert (told.best, told.warnings) == ("http://nas.local:8900", ())


def plain_web_server(folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"]
    return subprocess.Popen(
        command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


async def test_another_program_on_the_port_is_not_taken_for_lvs(tmp_path: Path) -> None:
    with plain_web_server(tmp_path) as other:
        assert other.stdout
        port = int(re.search(r"port (\d+)", other.stdout.readline())[1])  # type: ignore[index]
        assert not await answers_at("127.0.0.1", port, tls=False)
        other.kill()
    assert not await answers_at("127.0.0.1", port, tls=False)


def test_addresses_for_browsers() -> None:
    assert url("http", "10.0.0.1", 80) == "http://10.0.0.1"
    assert url("https", "10.0.0.1", 8900) == "https://10.0.0.1:8900"
    assert url("http", "fd00::1", 8900) == "http://[fd00::1]:8900"


# --- The greeting at a terminal ---


@contextmanager
def at_a_terminal(folder: Path, columns: int, **more: str) -> Iterator[list[str]]:
    """The lines a server writes to a terminal of its own."""
    main, other = pty.openpty()
    import fcntl
    import struct
    import termios

    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    command = [*processes.SERVE, str(library(folder)), "--data", str(folder / "data")]
    environment = processes.environment(folder, TERM="xterm-256color", **more)
    with subprocess.Popen(
        command,
        stdin=other,
        stdout=other,
        stderr=subprocess.DEVNULL,
        env=environment,
    ) as process:
        os.close(other)
        try:
            yield _until_quiet(main)
        finally:
            process.kill()
            os.close(main)


def _until_quiet(terminal: int) -> list[str]:
    text, end = b"", time.monotonic() + processes.PATIENCE_SECONDS
    while time.monotonic() < end and (
        b"Stop it" not in text or select.select([terminal], [], [], 3)[0]
    ):
        text += os.read(terminal, 65536)
    return text.decode().replace("\r", "").split("\n")


def test_the_greeting_draws_a_code_for_phones(tmp_path: Path) -> None:
    with at_a_terminal(tmp_path, 80, LVS_PUBLIC_URL="http://192.168.178.123:8900") as lines:
        for background in (0, 255):
            code = [line for line in lines if line.startswith("\033")]
            picture = terminal_picture(code, 80, background)
            assert decoded(picture) == ["http://192.168.178.123:8900"]
        assert "Scan it with a phone: http://192.168.178.123:8900" in lines


def test_no_code_where_no_phone_can_reach_it_or_the_terminal_is_narrow(tmp_path: Path) -> None:
    with at_a_terminal(tmp_path, 80) as lines:
        assert not any("▀" in line for line in lines)
    (tmp_path / "narrow").mkdir()
    with at_a_terminal(tmp_path / "narrow", 30, LVS_PUBLIC_URL="http://192.168.1.5:8900") as lines:
        assert not any("▀" in line for line in lines)


def test_a_pipe_gets_no_code(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        assert not any("\033" in line for line in server.lines)
        assert np.asarray(server.lines).size > 0
