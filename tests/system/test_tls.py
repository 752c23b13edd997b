"""HTTPS with the household's certificate, or with one that LVS makes for itself."""

import shutil
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from support import processes
from support.home import Home
from support.processes import serving
from support.wire import Wire, parsed, read_all

from lvs.certificates import RENEW_DAYS, VALID_DAYS, Certificate, certificate
from lvs.config import Config
from lvs.errors import Invalid, Unavailable
from lvs.http.connection_limit import SPARE, ConnectionLimit

pytestmark = [pytest.mark.core, pytest.mark.usefixtures("counted")]

NAMES = {"localhost", "127.0.0.1", "::1", "nas", "nas.local"}


def made(folder: Path, names: set[str] = NAMES, now: datetime | None = None) -> Certificate:
    """A certificate that LVS made for itself."""
    found = certificate(Config(data_directory=folder, tls_self_signed=True), names, now)
    assert found
    return found


def trusting(found: Certificate) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=found.chain)


def test_a_self_made_certificate_holds_for_this_machine_s_names(tmp_path: Path) -> None:
    found = made(tmp_path)
    read = x509.load_pem_x509_certificate(found.chain.read_bytes())
    names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in names} == NAMES
    assert read.not_valid_before_utc < datetime.now(UTC) < read.not_valid_after_utc
    assert read.not_valid_after_utc - read.not_valid_before_utc <= timedelta(days=825)
    assert found.key.stat().st_mode & 0o077 == 0


def test_a_certificate_is_kept_until_it_ends_or_a_name_is_added(tmp_path: Path) -> None:
    first = made(tmp_path).chain.read_bytes()
    assert made(tmp_path, {"localhost", "nas"}).chain.read_bytes() == first
    second = made(tmp_path, {*NAMES, "10.0.0.5"}).chain.read_bytes()
    assert second != first
    made(tmp_path).key.write_bytes(b"damaged")
    third = made(tmp_path).chain.read_bytes()
    assert third != second
    renewed = datetime.now(UTC) + timedelta(days=VALID_DAYS - RENEW_DAYS)
    before, after = renewed - timedelta(minutes=5), renewed + timedelta(minutes=5)
    assert made(tmp_path, now=before).chain.read_bytes() == third
    assert made(tmp_path, now=after).chain.read_bytes() != third


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
async def test_https_is_spoken_and_nothing_older_than_tls_1_2(home: Home, tmp_path: Path) -> None:
    found = made(tmp_path)
    async with Wire(home.app, secure=found) as wire:
        context = trusting(found)
        context.set_alpn_protocols(["h2", "http/1.1"])
        reader, writer = await wire.connect(context)
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
        assert writer.get_extra_info("ssl_object").version() in {"TLSv1.2", "TLSv1.3"}
        writer.write(b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert parsed(await read_all(reader)).status == 200
        writer.close()
        old = trusting(found)
        old.set_ciphers("DEFAULT@SECLEVEL=0")
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await wire.connect(old)


async def test_a_film_over_https_has_every_byte(home: Home, tmp_path: Path) -> None:
    content = home.add("film.mp4", bytes(range(256)) * 20_000).read_bytes()
    await home.scan()
    found = made(tmp_path)
    async with (
        Wire(home.app, secure=found) as wire,
        httpx.AsyncClient(verify=trusting(found)) as browser,
    ):
        answer = await browser.get(f"https://localhost:{wire.port}/video/film.mp4")
        assert answer.content == content
        part = await browser.get(
            f"https://localhost:{wire.port}/video/film.mp4",
            headers={"Range": "bytes=1000000-1000999"},
        )
        assert part.content == content[1_000_000:1_001_000]


async def test_over_https_the_session_is_never_sent_in_the_clear(tmp_path: Path) -> None:
    found = made(tmp_path)
    async with (
        Home(tmp_path, password="correct horse") as home,
        Wire(home.app, secure=found) as wire,
    ):
        async with httpx.AsyncClient(verify=trusting(found)) as browser:
            answer = await browser.post(
                f"https://localhost:{wire.port}/sign-in", data={"password": "correct horse"}
            )
        assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("beginning", [b"", b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n"])
async def test_an_unfinished_handshake_delays_nobody(
    home: Home, tmp_path: Path, beginning: bytes
) -> None:
    found = made(tmp_path)
    async with Wire(home.app, secure=found) as wire:
        _, writer = await wire.connect()
        writer.write(beginning)
        async with httpx.AsyncClient(verify=trusting(found)) as browser:
            assert (await browser.get(f"https://localhost:{wire.port}/ping")).status_code == 200
        writer.transport.abort()


async def test_one_device_cannot_hold_every_connection_by_never_finishing_a_handshake(
    home: Home, tmp_path: Path
) -> None:
    found, allowed = made(tmp_path), 5
    async with Wire(home.app, ConnectionLimit(per_client=allowed), found) as wire:
        idle = [await wire.connect() for _ in range(allowed + SPARE)]
        for _ in range(10):
            reader, writer = await wire.connect()
            assert await read_all(reader) == b""  # it was closed at once
            writer.close()
        assert not [reader for reader, _ in idle if reader.at_eof()]
        for _, writer in idle:
            writer.transport.abort()

        async def answered() -> bool:
            async with httpx.AsyncClient(verify=trusting(found)) as browser:
                try:
                    return (
                        await browser.get(f"https://localhost:{wire.port}/ping")
                    ).status_code == 200
                except httpx.TransportError:
                    return False

        await home.until(answered)


def test_files_that_are_no_certificate_get_a_message(tmp_path: Path) -> None:
    found, other = made(tmp_path / "one"), made(tmp_path / "other")
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    for chain, key in (
        (found.chain, ""),
        ("", found.key),
        (found.chain, other.key),
        (text, text),
        (tmp_path / "none", found.key),
        (found.key, found.chain),
    ):
        with pytest.raises(Invalid):
            certificate(Config(tls_cert=str(chain), tls_key=str(key)), NAMES)
    assert certificate(Config(tls_cert=str(found.chain), tls_key=str(found.key)), NAMES) == found
    assert certificate(Config(), NAMES) is None


def test_a_certificate_that_cannot_be_kept_gets_a_message(tmp_path: Path) -> None:
    (tmp_path / "tls").write_text("a file in the folder's place")
    with pytest.raises(Unavailable, match="cannot be saved"):
        made(tmp_path)


def test_the_flags_of_the_command_are_understood(tmp_path: Path) -> None:
    library = tmp_path / "films"
    library.mkdir()
    with serving(library, tmp_path, "--tls-self-signed") as server:
        assert server.secure_address.startswith("https://127.0.0.1:")
        own = Certificate(
            tmp_path / "data" / "tls" / "certificate.pem", tmp_path / "data" / "tls" / "key.pem"
        )
        assert httpx.get(f"{server.secure_address}/ping", verify=trusting(own)).status_code == 200
        assert server.stop() == 0
    kept = Certificate(
        Path(shutil.copy(own.chain, tmp_path / "mine.pem")),
        Path(shutil.copy(own.key, tmp_path / "mine.key")),
    )
    with serving(library, tmp_path, "--tls-cert", kept.chain, "--tls-key", kept.key) as server:
        assert httpx.get(f"{server.secure_address}/ping", verify=trusting(kept)).status_code == 200
    refused = processes.run(
        "serve", library, "--data", tmp_path / "data", "--tls-cert", kept.chain, cwd=tmp_path
    )
    assert refused.returncode == 2
    assert "HTTPS needs both files" in refused.stderr
