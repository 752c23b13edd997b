"""HTTP and HTTPS beside each other, by one server."""

import asyncio
import json
import ssl
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from support import loopback, processes
from support.home import Home, distinct_video
from support.processes import serving
from support.wire import Wire

from lvs.certificates import Certificate, certificate
from lvs.config import Config
from lvs.errors import Invalid
from lvs.http.connection_limit import ConnectionLimit
from lvs.listening import listen, listening_sockets
from lvs.services.media.projection import by_person
from lvs.serving import http_settings
from lvs.tls_renewal import TlsRenewal

pytestmark = pytest.mark.usefixtures("counted")

NAMES = {"localhost", "127.0.0.1"}


def library(folder: Path) -> Path:
    films = folder / "films"
    films.mkdir()
    (films / "alps_180_LR.mp4").write_bytes(distinct_video())
    return films


def own(folder: Path) -> Certificate:
    tls = folder / "data" / "tls"
    return Certificate(tls / "certificate.pem", tls / "key.pem")


def trusting(found: Certificate) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=found.chain)


def made(folder: Path, names: set[str] = NAMES) -> Certificate:
    found = certificate(Config(data_directory=folder, tls_self_signed=True), names)
    assert found
    return found


def test_one_server_speaks_both_and_never_sends_one_to_the_other(tmp_path: Path) -> None:
    with serving(library(tmp_path), tmp_path, "--tls-self-signed") as server:
        assert urlsplit(server.address).scheme == "http"
        assert urlsplit(server.secure_address).port != server.port
        context = trusting(own(tmp_path))
        plain = loopback.get(f"{server.address}/", follow_redirects=False)
        secure = httpx.get(f"{server.secure_address}/", verify=context, follow_redirects=False)
        assert (plain.status_code, secure.status_code) == (200, 200)
        for answer in (plain, secure):
            assert "strict-transport-security" not in answer.headers
        foreign = {"Host": "evil.example"}
        assert loopback.get(server.address, headers=foreign).status_code == 421
        assert httpx.get(server.secure_address, headers=foreign, verify=context).status_code == 421
        assert server.stop() == 0


def _first_film(player: httpx.Client) -> str:
    """The address of the library's film, once the first scan has found it."""
    end = time.monotonic() + processes.PATIENCE_SECONDS
    while True:
        sections = player.post("/heresphere", content=b"").json()["library"]
        if sections and sections[0]["list"]:
            return str(sections[0]["list"][0])
        assert time.monotonic() < end, "the film is not listed"
        time.sleep(0.05)


def test_players_are_answered_over_both_with_addresses_of_the_scheme_they_use(
    tmp_path: Path,
) -> None:
    with serving(library(tmp_path), tmp_path, "--tls-self-signed") as server:
        context = trusting(own(tmp_path))
        for base in (server.address, server.secure_address):
            with httpx.Client(base_url=base, verify=context) as player:
                head = player.head("/heresphere")
                assert (head.status_code, head.headers["heresphere-json-version"]) == (200, "1")
                link = _first_film(player)
                assert link.startswith(f"{base}/heresphere/")
                item = player.post(link, content=b'{"rating": 4.5}').json()
                assert item["rating"] == 5
                video = item["media"][0]["sources"][0]["url"]
                assert video == f"{base}/video/alps_180_LR.mp4"
                part = player.get(video, headers={"Range": "bytes=0-9"})
                assert (part.status_code, len(part.content)) == (206, 10)
                scenes = player.post("/deovr").json()["scenes"]
                film = player.post(scenes[0]["list"][0]["video_url"]).json()
                assert film["encodings"][0]["videoSources"][0]["url"] == video
        assert server.stop() == 0


def test_without_a_certificate_there_is_no_second_port(tmp_path: Path) -> None:
    with serving(library(tmp_path), tmp_path) as server:
        assert server.secure_address == ""


def test_the_configuration_names_both_addresses(tmp_path: Path) -> None:
    answer = processes.run("config", "--host", "127.0.0.1", "--tls-self-signed", cwd=tmp_path)
    assert "# http://127.0.0.1:8900\n# https://127.0.0.1:8943\n" in answer.stdout
    answer = processes.run(
        "config", "--tls-self-signed", "--json", cwd=tmp_path, LVS_TLS_PORT="9443"
    )
    assert json.loads(answer.stdout)["tls_port"]["value"] == 9443


def test_both_on_one_port_get_a_message() -> None:
    with pytest.raises(Invalid, match="--tls-port"):
        listening_sockets(Config(host="127.0.0.1", port=8943), secure=True)


def test_a_taken_port_names_the_flag(tmp_path: Path) -> None:
    with listen("127.0.0.1", 0)[0] as taken:
        port = str(taken.getsockname()[1])
        answer = processes.run(
            *("serve", library(tmp_path), "--data", tmp_path / "data", "--host", "127.0.0.1"),
            *("--port", "0", "--tls-self-signed", "--tls-port", port),
            cwd=tmp_path,
        )
    assert answer.returncode != 0
    assert "--tls-port" in answer.stderr


async def test_a_film_that_is_not_flat_can_be_opened_securely(tmp_path: Path) -> None:
    async with Home(tmp_path, tls_self_signed=True, tls_port=9443) as home:
        home.add("dive 100%.mp4")
        home.add("flat.mp4")
        await home.scan()
        video = await home.video("dive 100%.mp4")
        await home.services.projections.choose(
            video.media_hash, by_person("equirect180", "sbs"), "me"
        )
        page = await home.client.get("/watch/dive%20100%25.mp4?sort=title")
        text = (await page.get_data(as_text=False)).decode()
        link = 'href="https://localhost:9443/watch/dive%20100%25.mp4?sort=title"'
        assert link in text, [line for line in text.splitlines() if "open-securely" in line]
        assert "Open securely to watch in VR" in text
        assert "choose Advanced, then Proceed" in text
        flat = (await (await home.client.get("/watch/flat.mp4")).get_data(as_text=False)).decode()
        assert "Open securely" not in flat
        tile = await (await home.client.get("/admin/tiles/system")).get_data()
        assert b"https://localhost:9443" in tile


async def test_over_https_and_without_a_certificate_nothing_is_offered(tmp_path: Path) -> None:
    async with Home(tmp_path, tls_self_signed=True) as home:
        home.add("dive_180_LR.mp4")
        await home.scan()
        video = await home.video("dive_180_LR.mp4")
        await home.services.projections.choose(
            video.media_hash, by_person("equirect180", "sbs"), "me"
        )
        found = made(tmp_path)
        async with (
            Wire(home.app, secure=found) as wire,
            httpx.AsyncClient(verify=trusting(found)) as browser,
        ):
            answer = await browser.get(f"https://localhost:{wire.port}/watch/dive_180_LR.mp4")
            assert answer.status_code == 200
            assert "Open securely" not in answer.text


def test_a_start_with_a_certificate_imports_nothing_that_makes_one(tmp_path: Path) -> None:
    made(tmp_path)
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from lvs.certificates import certificate\n"
        "from lvs.config import Config\n"
        "config = Config(data_directory=Path(sys.argv[1]), tls_self_signed=True)\n"
        "assert certificate(config, {'localhost'})\n"
        "sys.exit('cryptography' in sys.modules)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    assert subprocess.run(command, timeout=60, check=False).returncode == 0


def test_the_record_of_another_certificate_is_not_believed(tmp_path: Path) -> None:
    first = made(tmp_path / "one").chain.read_bytes()
    made(tmp_path / "other", {*NAMES, "nas.local"})
    beside = "tls/certificate.json"
    (tmp_path / "one" / beside).write_bytes((tmp_path / "other" / beside).read_bytes())
    assert made(tmp_path / "one", {"nas.local"}).chain.read_bytes() != first
    (tmp_path / "other" / beside).write_text("[]")
    kept = (tmp_path / "other" / "tls" / "certificate.pem").read_bytes()
    assert made(tmp_path / "other").chain.read_bytes() == kept


async def test_a_running_server_takes_a_renewed_certificate(home: Home, tmp_path: Path) -> None:
    config = Config(data_directory=tmp_path / "own", tls_self_signed=True)
    found = certificate(config, NAMES)
    assert found
    before = found.chain.read_bytes()
    http = http_settings([], found, [])
    renewal = TlsRenewal(http)
    context = http.create_ssl_context()
    assert context is not None
    loaded: list[None] = []
    real = context.load_cert_chain
    context.load_cert_chain = lambda *files: loaded.append(real(*files))  # type: ignore[method-assign]
    task = asyncio.create_task(renewal.run(config, lambda: {*NAMES, "nas.local"}, 0.01))
    await home.until(lambda: len(loaded) > 1)
    task.cancel()
    assert found.chain.read_bytes() != before


async def test_the_limit_of_connections_holds_for_both_together(home: Home, tmp_path: Path) -> None:
    limit = ConnectionLimit(per_client=3)
    http = http_settings(listen("127.0.0.1", 0), made(tmp_path), listen("127.0.0.1", 0))
    limit.install(http)
    created = http.create_sockets()
    assert [len(created.secure_sockets), len(created.insecure_sockets)] == [1, 1]
    kinds = {type(each).__name__ for each in (*created.secure_sockets, *created.insecure_sockets)}
    assert kinds == {"LimitedSocket"}
    for each in (*created.secure_sockets, *created.insecure_sockets):
        each.close()
