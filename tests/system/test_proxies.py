"""nginx and Caddy in front of LVS, at the root and below a path, with the configurations of
docs/operations.md.
"""

import html
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import loopback, processes
from support.home import distinct_video
from support.media import make_video

DOCS = Path(__file__).parents[2] / "docs" / "operations.md"
BLOCK = re.compile(r"```(nginx|caddy)\n(.*?)```", re.DOTALL)


def configurations() -> dict[tuple[str, str], str]:
    """The documented configurations by program and path."""
    found = BLOCK.findall(DOCS.read_text(encoding="utf-8"))
    return {(program, "/lvs" if "/lvs" in text else ""): text for program, text in found}


@pytest.fixture(params=sorted(configurations()), ids=lambda each: f"{each[0]}{each[1] or '/'}")
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[httpx.Client, str]]:
    """A client of the proxy, and the path LVS stands under. The data are in `tmp_path / "data"`."""
    program, path = request.param
    library = tmp_path / "films"
    (library / "ö folder").mkdir(parents=True)
    film = library / "ö folder" / "ein film.mp4"
    film.write_bytes(distinct_video(7) + bytes(300_000))
    old = make_video(library / "old.avi", seconds=2, size=(96, 64), video_codec="mpeg4", sound=True)
    for each in (film, old):
        os.utime(each, (1_600_000_000,) * 2)
    command = [*processes.SERVE, library, "--data", tmp_path / "data"]
    with processes.Server(command, tmp_path, LVS_TRUSTED_PROXIES="127.0.0.1") as server:
        port = _free_port()
        text = configurations()[request.param]
        running = {"nginx": _nginx, "caddy": _caddy}[program](text, port, server.port, tmp_path)
        try:
            with loopback.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                _until_answered(client, f"{path}/ping")
                _until_listed(client, path)
                yield client, path
        finally:
            running.terminate()
            running.wait(20)


def _nginx(text: str, port: int, upstream: int, folder: Path) -> "subprocess.Popen[bytes]":
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    server = _on_ports(text, port, upstream).replace("listen 80;", f"listen 127.0.0.1:{port};")
    places = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log stderr; user root;\n"
        f"events {{}}\nhttp {{ access_log off;\n{places}{server} }}\n"
    )
    command = [program, "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def _caddy(text: str, port: int, upstream: int, folder: Path) -> "subprocess.Popen[bytes]":
    site = re.sub(
        r"http://[a-z.]+ \{", f"http://127.0.0.1:{port} {{", _on_ports(text, port, upstream)
    )
    options = "{\n    admin off\n    persist_config off\n    auto_https off\n}\n"
    (folder / "Caddyfile").write_text(options + site)
    command = [_beside_python("caddy"), "run", "--config", str(folder / "Caddyfile")]
    environment = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder / "caddy")}
    return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)


def _beside_python(name: str) -> str:
    found = shutil.which(
        name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    )
    assert found, f"{name} is not installed; it comes with the test extra"
    return found


def _on_ports(text: str, port: int, upstream: int) -> str:
    assert "127.0.0.1:8900" in text
    return text.replace("127.0.0.1:8900", f"127.0.0.1:{upstream}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _until_answered(client: httpx.Client, address: str) -> None:
    end = time.monotonic() + processes.PATIENCE_SECONDS
    while True:
        try:
            if client.get(address).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        assert time.monotonic() < end, "the proxy does not answer"
        time.sleep(0.1)


def _until_listed(client: httpx.Client, path: str) -> None:
    """Wait until both films are there and were probed."""

    def done() -> bool:
        found = client.get(f"{path}/api/videos").json()["videos"]
        return len(found) == 2 and all(video["duration_s"] for video in found)

    processes.until(done)


def test_pages_films_ratings_and_scripts_through_a_proxy(site: tuple[httpx.Client, str]) -> None:
    client, path = site
    page = client.get(f"{path}/")
    assert page.status_code == 200
    addresses = {
        each.replace("&amp;", "&") for each in re.findall(r' (?:href|src)="(/[^"]*)"', page.text)
    }
    assert len(addresses) > 10
    for address in addresses:
        assert address.startswith(f"{path}/"), address
        assert client.get(address).status_code in (200, 302, 303), address

    video, old = _videos(client, path)
    _stream_in_ranges(client, video["stream_url"])
    _rate(client, path, video["media_hash"], video["url"])
    _hear_events(client, path, video["media_hash"])

    partial = client.get(
        f"{path}/?q=film", headers={"HX-Request": "true", "HX-Request-Type": "partial"}
    )
    assert "<html" not in partial.text
    assert f'href="{path}/watch/' in partial.text
    tile = client.get(f"{path}/admin/tiles/health")
    assert f'hx-get="{path}/admin/tiles/health' in tile.text
    _play_in_segments(client, path, old["url"])
    _tell_progress(client, video["url"])
    _wear_headset(client, path, video["media_hash"])


def test_the_password_is_asked_for_and_taken_through_a_proxy(
    site: tuple[httpx.Client, str], tmp_path: Path
) -> None:
    client, path = site
    command = [sys.executable, "-m", "lvs", "password", "--data", str(tmp_path / "data")]
    subprocess.run(command, input="a long secret\n", text=True, check=True, cwd=tmp_path)
    as_browser = {"Accept": "text/html"}
    processes.until(lambda: client.get(f"{path}/tags", headers=as_browser).status_code == 303)
    asked = client.get(f"{path}/tags?sort=name", headers=as_browser)
    sign_in = asked.headers["Location"]
    assert sign_in.startswith(f"{path}/sign-in?next=")
    page = client.get(sign_in).text
    [target] = re.findall(r'name="next" value="([^"]+)"', page)
    form = {"next": html.unescape(target), "password": "a long secret"}
    same = {"Origin": str(client.base_url).rstrip("/")}
    entered = client.post(f"{path}/sign-in", data=form, headers=same)
    assert (entered.status_code, entered.headers["Location"]) == (303, f"{path}/tags?sort=name")
    assert re.search(rf"(?i)path={path or '/'}(;|$)", entered.headers["Set-Cookie"])
    assert client.get(entered.headers["Location"], headers=as_browser).status_code == 200


def _hear_events(client: httpx.Client, path: str, media_hash: str) -> None:
    """Events come when they happen: no proxy keeps them until it has enough."""
    with client.stream("GET", f"{path}/api/events") as heard:
        assert heard.headers["Content-Type"].startswith("text/event-stream")
        lines = heard.iter_lines()
        assert next(lines).startswith("retry:")
        for stars in (2, 3):
            client.post(f"{path}/api/ratings/{media_hash}", json={"value": stars})
            event = next(line for line in lines if line == "event: ratings")
            data = json.loads(next(lines).removeprefix("data: "))
            assert media_hash in json.dumps(data), event


def _videos(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    """The film that plays as it is, and the one that is converted."""
    found = client.get(f"{path}/api/videos").json()["videos"]
    return sorted(found, key=lambda video: str(video["url"]).endswith(".avi"))


def _play_in_segments(client: httpx.Client, path: str, watch: str) -> None:
    """HTTP Live Streaming (RFC 8216): from the page to the last segment."""
    found = re.search(r'"([^"]*/master\.m3u8[^"]*)"', client.get(watch).text)
    assert found
    master = httpx.URL(html.unescape(found[1]))
    assert str(master).startswith(f"{path}/hls/")
    variant = client.get(master).text.splitlines()[-1]
    playlist = client.base_url.join(master).join(variant)
    names = re.findall(r"(?m)^\d+\.m4s$", client.get(playlist).text)
    assert names
    for name in ("init.mp4", *names):
        answer = client.get(playlist.join(name))
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "video/mp4")
        assert answer.content[4:8] == (b"ftyp" if name == "init.mp4" else b"moof")


def _tell_progress(client: httpx.Client, watch: str) -> None:
    """The position in the film, told as the player's script tells it."""
    found = re.search(r'data-progress-url="([^"]+)"', client.get(watch).text)
    assert found
    origin = str(client.base_url).rstrip("/")
    answer = client.post(found[1], data={"position_s": "0.2"}, headers={"Origin": origin})
    assert answer.status_code in (204, 303), answer.text


def _wear_headset(client: httpx.Client, path: str, media_hash: str) -> None:
    """HereSphere: every address it is told leads through the proxy, and it writes and tells."""
    base = f"{client.base_url}".rstrip("/") + path
    library = client.post(f"{path}/heresphere").json()["library"]
    links = {link for section in library for link in section["list"]}
    assert links == {f"{base}/heresphere/{video['media_hash']}" for video in _videos(client, path)}
    item = client.post(f"{base}/heresphere/{media_hash}", content=b'{"rating": 2}').json()
    assert item["rating"] == 2
    assert client.get(f"{path}/api/ratings/{media_hash}").json()["user"]["value"] == 2
    [source] = item["media"][0]["sources"]
    for address in (source["url"], item["thumbnailImage"]):
        assert address.startswith(f"{base}/")
        assert client.get(address, headers={"Range": "bytes=0-9"}).status_code in (200, 206)
    assert item["eventServer"] == f"{base}/heresphere/events/{media_hash}"
    event = client.post(item["eventServer"], content=b'{"event": 0, "time": 100}')
    assert event.status_code == 200
    deovr = client.get(f"{path}/deovr").json()
    assert f"{base}/deovr/{media_hash}" in str(deovr)


def _stream_in_ranges(client: httpx.Client, address: str) -> None:
    whole = client.get(address)
    assert whole.status_code == 200
    size, tag = len(whole.content), whole.headers["ETag"]
    for value, expected in (
        ("bytes=0-99", whole.content[:100]),
        ("bytes=-50", whole.content[-50:]),
        (f"bytes={size - 10}-", whole.content[-10:]),
        ("bytes=1000-200999", whole.content[1000:201_000]),
    ):
        part = client.get(address, headers={"Range": value, "If-Range": tag})
        assert (part.status_code, part.content) == (206, expected)
        assert part.headers["Content-Range"].endswith(f"/{size}")
    assert client.get(address, headers={"Range": f"bytes={size}-"}).status_code == 416
    assert (
        client.get(address, headers={"Range": "bytes=0-9", "If-Range": '"other"'}).status_code
        == 200
    )
    head = client.head(address)
    assert (head.headers["Content-Length"], head.headers["Accept-Ranges"]) == (str(size), "bytes")
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 304


def _rate(client: httpx.Client, path: str, media_hash: str, watch: str) -> None:
    origin = str(client.base_url).rstrip("/")
    same = {"Origin": origin, "Referer": f"{origin}{watch}"}
    api = client.post(f"{path}/api/ratings/{media_hash}", json={"value": 4}, headers=same)
    assert api.status_code == 201
    form = client.post(f"{path}/videos/{media_hash}/rating", data={"value": "5"}, headers=same)
    assert (form.status_code, form.headers["Location"]) == (303, watch)
    assert client.get(f"{path}/api/ratings/{media_hash}").json()["user"]["value"] == 5
    stranger = {"Origin": "http://evil.example"}
    refused = client.post(
        f"{path}/videos/{media_hash}/rating", data={"value": "1"}, headers=stranger
    )
    assert refused.status_code == 403
    settings = client.post(
        f"{path}/settings", data={"theme": "dark", "back": "/tags"}, headers=same
    )
    assert settings.headers["Location"] == f"{path}/tags"
    assert re.search(rf"(?i)path={path or '/'}(;|$)", settings.headers["Set-Cookie"])
