"""The gallery filtered by the shape of its films."""

import json

from support.home import Home

from lvs.services.media.projection import by_person


async def test_the_gallery_shows_only_films_of_a_shape(home: Home) -> None:
    shapes = {"flat": "mono", "equirect180": "sbs", "equirect360": "mono"}
    for shape, stereo in shapes.items():
        home.add(f"{shape}.mp4")
        await home.scan()
        video = await home.video(f"{shape}.mp4")
        await home.services.projections.choose(video.media_hash, by_person(shape, stereo), "me")
    home.add("cinema.mp4")
    await home.scan()
    video = await home.video("cinema.mp4")
    await home.services.projections.choose(video.media_hash, by_person("flat", "sbs"), "me")
    expected = {
        "vr=1": {"equirect180", "equirect360", "cinema"},
        "shape=equirect180": {"equirect180"},
        "shape=flat": {"flat", "cinema"},
        "shape=fisheye": set(),
        "shape=flat&vr=1": {"cinema"},
    }
    for query, titles in expected.items():
        answer = await home.client.get(f"/api/videos?{query}")
        found = json.loads(await answer.get_data())["videos"]
        assert {video["title"] for video in found} == titles, query
    assert (await home.client.get("/?shape=dome")).status_code == 400
    page = (await (await home.client.get("/?shape=equirect180")).get_data(as_text=False)).decode()
    assert "equirect180.mp4" in page
    assert "cinema.mp4" not in page
