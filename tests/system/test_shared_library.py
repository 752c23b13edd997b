"""All shared videos in a running server: what it says of each, held against the manifest."""

import csv
from pathlib import Path
from typing import Any

import pytest
from support.home import Home
from support.shared_media import DISPLAYED, DURATIONS_S, MANIFEST, MEDIA

pytestmark = pytest.mark.skipif(
    not MANIFEST.is_file(), reason="../shared is not beside the project"
)


async def listed(home: Home, state: str = "") -> dict[str, dict[str, Any]]:
    answer = await home.client.get(f"/api/videos?limit=500{state}")
    return {video["path"]: video for video in (await answer.get_json())["videos"]}


async def test_the_server_says_of_every_shared_file_what_the_manifest_says(tmp_path: Path) -> None:
    with MANIFEST.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["expected"] != "sidecar"]
    home = Home(tmp_path)
    home.libraries = [MEDIA]
    async with home:
        await home.probed()
        readable, unreadable = await listed(home), await listed(home, "&state=unreadable")
        assert set(readable) == {row["file"] for row in rows if row["expected"] == "ok"}
        assert set(unreadable) == {row["file"] for row in rows if row["expected"] != "ok"}
        for row in rows:
            name = row["file"]
            said = readable.get(name) or unreadable[name]
            assert said["size_bytes"] == int(row["bytes"]), name
            assert said["state"] == ("ready" if row["expected"] == "ok" else "unreadable"), name
            if row["expected"] == "ok":
                duration = DURATIONS_S.get(name) or float(row["duration_s"])
                assert said["duration_s"] == pytest.approx(duration, abs=0.1), name
                assert (
                    said["width"],
                    said["height"],
                ) == DISPLAYED.get(name, (int(row["width"]), int(row["height"]))), name
            else:
                assert said["reason"], name
            assert (await home.client.get(said["url"])).status_code == 200
            assert (
                await home.client.get(said["stream_url"], headers={"Range": "bytes=0-9"})
            ).status_code in (200, 206), name
