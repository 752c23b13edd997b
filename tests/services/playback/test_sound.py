"""Sound of films: decoders that are allowed, and films whose sound has none."""

from pathlib import Path

import av
import pytest
from support.home import Home
from support.media import make_video

from lvs.services.media.containers import PICTURE_DECODERS, SOUND_DECODERS, SUBTITLE_DECODERS
from lvs.services.playback.sound import RATE, DecodedSound
from lvs.services.playback.video_source import VideoSource

NOT_ALLOWED = "dfpwm"


@pytest.mark.parametrize("name", sorted(PICTURE_DECODERS | SOUND_DECODERS | SUBTITLE_DECODERS))
def test_a_list_of_decoders_names_decoders_and_not_codecs(name: str) -> None:
    assert av.Codec(name, "r").name == name


@pytest.mark.parametrize("name", sorted(SOUND_DECODERS))
def test_the_decoder_that_is_taken_for_a_sound_is_on_the_list(name: str) -> None:
    assert av.Codec(av.Codec(name, "r").canonical_name, "r").name in SOUND_DECODERS


@pytest.mark.parametrize(("codec", "is_heard"), [("pcm_s16le", True), (NOT_ALLOWED, False)])
def test_no_decoder_is_used_that_is_not_allowed(tmp_path: Path, codec: str, is_heard: bool) -> None:
    path = make_video(tmp_path / "film.avi", seconds=1, sound=True, audio_codec=codec)
    with path.open("rb", buffering=0) as file:
        sound = DecodedSound(VideoSource(file), 0).samples(0, RATE, lambda: None)
    assert any(sound.rows[0]) == is_heard


async def test_a_film_whose_sound_cannot_be_decoded_says_so_before_it_plays(tmp_path: Path) -> None:
    home = Home(tmp_path, watch="off")
    for name, codec in (("heard.avi", "pcm_s16le"), ("unheard.avi", NOT_ALLOWED)):
        make_video(tmp_path / "seed.avi", seconds=1, sound=True, audio_codec=codec)
        home.add(name, (tmp_path / "seed.avi").read_bytes())
    async with home:
        await home.probed()
        for name, said in (("heard.avi", False), ("unheard.avi", True)):
            page = await (await home.client.get(f"/watch/{name}")).get_data(as_text=True)
            assert ('id="soundless-note"' in page) is said
            assert ("but without sound: LVS cannot decode its dfpwm sound" in page) is said
            assert "<video" in page
            master = home.services.playback.address(await home.video(name))
            for piece in ("index.m3u8", "init.mp4", "0.m4s"):
                answer = await home.client.get(
                    master.replace("master.m3u8", f"h264-360-a0/{piece}")
                )
                assert answer.status_code == 200
        listed = await (await home.client.get("/api/videos?state=convert")).get_json()
        assert {video["path"] for video in listed["videos"]} == {"heard.avi", "unheard.avi"}
