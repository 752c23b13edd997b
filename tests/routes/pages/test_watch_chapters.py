"""Chapters of MP4 and Matroska on the watch page and in JSON."""

import os
import re
from pathlib import Path

import pytest
from support.home import OLD_NS, Home
from support.media import make_video, name_chapters

CHAPTERS = ((0, 400, "Opening <&>"), (400, 1000, ""))


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
async def test_chapters_are_marks_links_and_json(tmp_path: Path, kind: str) -> None:
    source = make_video(tmp_path / f"source.{kind}", seconds=1)
    async with Home(tmp_path) as home:
        film = home.library / f"film.{kind}"
        name_chapters(source, film, CHAPTERS)
        os.utime(film, ns=(OLD_NS, OLD_NS))  # long whole
        home.add("plain.mp4")
        await home.scan()
        await home.probed()
        page = await (await home.client.get(f"/watch/film.{kind}?sort=title")).get_data(True)
        assert re.findall(r'data-seek="([^"]+)" data-chapter>', page) == ["0.0", "0.4"]
        assert f'href="/watch/film.{kind}?sort=title&amp;start=0.4"' in page
        assert "<bdi>Opening &lt;&amp;&gt;</bdi>" in page
        listed = await (await home.client.get(f"/watch/film.{kind}?later=7")).get_data(True)
        assert f'href="/watch/film.{kind}?later=7&amp;start=0.4"' in listed
        assert "<bdi>Chapter 2</bdi>" in page
        assert re.findall(r'<rect x="(\d+)"', page) == ["0", "400"]
        video = await home.video(f"film.{kind}")
        found = await (await home.client.get(f"/api/videos/{video.media_hash}")).get_json()
        assert [each["start_s"] for each in found["chapters"]] == [0.0, 0.4]
        assert found["chapters"][0]["title"] == "Opening <&>"
        page = await (await home.client.get("/watch/plain.mp4")).get_data(True)
        assert "data-chapter" not in page
        assert "marks" not in page
