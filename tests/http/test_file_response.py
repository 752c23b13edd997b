"""The names and types under which files are sent."""

import pytest

from lvs.http.file_response import attachment
from lvs.http.media_types import media_type

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("film.mp4", "attachment; filename=\"film.mp4\"; filename*=UTF-8''film.mp4"),
        (
            "Zoë's film.mp4",
            "attachment; filename=\"Zo_'s film.mp4\"; filename*=UTF-8''Zo%C3%AB%27s%20film.mp4",
        ),
        ('a"b%41.mp4', "attachment; filename=\"a_b_41.mp4\"; filename*=UTF-8''a%22b%2541.mp4"),
        (
            "..\\..\\x\r\ny: z.mp4",
            "attachment; filename=\"_.._x__y: z.mp4\"; filename*=UTF-8''_.._x__y%3A%20z.mp4",
        ),
        (
            "映画\udcff.mkv",
            "attachment; filename=\"___.mkv\"; filename*=UTF-8''%E6%98%A0%E7%94%BB%EF%BF%BD.mkv",
        ),
        ("..", "attachment; filename=\"video\"; filename*=UTF-8''video"),
    ],
)
def test_a_download_is_named_in_ascii_and_utf_8(name: str, field: str) -> None:
    assert attachment(name) == field


@pytest.mark.parametrize(
    ("path", "container", "expected"),
    [
        (b"a/film.MP4", None, "video/mp4"),
        (b"film.m4v", "mov,mp4,m4a,3gp,3g2,mj2", "video/mp4"),
        (b"film.mov", "mov,mp4,m4a,3gp,3g2,mj2", "video/quicktime"),
        (b"film.webm", "matroska,webm", "video/webm"),
        (b"film.mkv", "matroska,webm", "video/x-matroska"),
        (b"film.mp4", "matroska,webm", "video/x-matroska"),
        (b"film.mkv", "mov,mp4,m4a,3gp,3g2,mj2", "video/mp4"),
        (b"film.avi", None, "video/x-msvideo"),
        (b"film.ts", "mpegts", "video/mp2t"),
        (b"film.mts", None, "video/mp2t"),
        (b"film.m2ts", None, "video/mp2t"),
        (b"film.mpg", None, "video/mpeg"),
        (b"film.mpeg", "mpeg", "video/mpeg"),
        (b"film.wmv", "asf", "video/x-ms-wmv"),
        (b"film.asf", "asf", "video/x-ms-asf"),
        (b"film.flv", None, "video/x-flv"),
        (b"film.ogv", None, "video/ogg"),
        (b"film.ogg", None, "video/ogg"),
        (b"film.3gp", None, "video/3gpp"),
        (b"film.html", None, "application/octet-stream"),
        (b"film.svg", "svg_pipe", "application/octet-stream"),
        (b"film.html", "mpegts", "video/mp2t"),
        (b"mp4", None, "application/octet-stream"),
        (b"\xff.mp4", None, "video/mp4"),
    ],
)
def test_a_file_is_sent_as_the_video_it_is(
    path: bytes, container: str | None, expected: str
) -> None:
    assert media_type(path, container) == expected
