"""QR codes, read back by a scanner's library from a picture of what is shown."""

import io
import xml.etree.ElementTree as ET

import pytest
from support.pictures import decoded, drawn_svg, terminal_picture

from lvs.services.network import qr

URLS = (
    "http://10.0.0.2:8900",
    "http://192.168.178.123:8900",
    "https://[fd00:1234:5678:9abc:def0:1234:5678:9abc]:8900/lvs",
    "https://videos.example-of-a-long-name.home.arpa/a/longer/path/under/a/proxy",
)


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("background", [0, 255], ids=["dark", "light"])
def test_the_terminal_shows_a_code_that_scans(url: str, background: int) -> None:
    lines = qr.terminal_lines(url)
    assert decoded(terminal_picture(lines, 80, background)) == [url]
    assert len(lines) <= 24


@pytest.mark.parametrize("url", URLS)
def test_the_page_shows_a_code_that_scans(url: str) -> None:
    svg = ET.fromstring(qr.svg(url))
    assert not any(
        name in element.attrib
        for element in svg.iter()
        for name in ("style", "class")
        if element is not svg
    )
    assert "style" not in svg.attrib
    assert decoded(drawn_svg(qr.svg(url))) == [url]


def test_an_address_too_long_for_a_phone_is_refused() -> None:
    with pytest.raises(ValueError, match="no readable QR code"):
        qr.svg("http://nas.local/" + "x" * 400)


def test_a_pipe_and_a_poor_terminal_get_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

    class Latin(Terminal):
        encoding = "latin-1"

    monkeypatch.setenv("TERM", "xterm-256color")
    assert qr.fits_terminal(Terminal(), 80)
    assert not qr.fits_terminal(Terminal(), 30)
    assert not qr.fits_terminal(Latin(), 80)
    assert not qr.fits_terminal(io.StringIO(), 80)
    monkeypatch.setenv("TERM", "dumb")
    assert not qr.fits_terminal(Terminal(), 80)
