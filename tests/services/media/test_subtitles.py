"""The subtitles beside a film, as a browser gets them."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.home import Home

from lvs.errors import Unreadable
from lvs.models import Video
from lvs.routes.media.subtitles import subtitles_of
from lvs.services.media.languages import language_of
from lvs.services.media.subtitles import MAX_BYTES, find
from lvs.services.media.webvtt import decoded, to_webvtt

SRT = (
    "1\n00:00:01,000 --> 00:00:02,500\nFirst line\nsecond line\n\n2\n00:01:00,000 -->"
    " 01:02:03,004\nBye\n"
)
VTT = (
    "WEBVTT\n\nSTYLE\n::cue { color: lime }\n\n00:01.000 --> 00:02.000 align:start\n<v Ann>Hello\n"
)
ASS = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, \
BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, \
Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,20,&H00FFFFFF,&H000000FF,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,2,2,2,\
10,10,10,1
Style: Thought,Arial,20,&H00FFFFFF,&H000000FF,&H00000000,&H00000000,0,-1,0,0,100,100,0,0,1,2,2,2,\
10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,later
Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,{\\an8\\b1}Up{\\b0} here\\Nthere, too
Dialogue: 0,0:00:03.00,0:00:04.00,Thought,,0,0,0,,hm
Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,{\\p1}m 0 0 l 100 0 100 100{\\p0}
Comment: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,a note
"""


async def tracks(home: Home, video: Video) -> list[tuple[str, str, str]]:
    async with home.app.app_context():
        return await subtitles_of(video)


def cues(webvtt: str) -> list[str]:
    """The cues of a WebVTT text, after looking at its form: header, blank line, timings in order of
    hours, minutes, seconds.
    """
    header, *blocks = webvtt.rstrip("\n").split("\n\n")
    assert header == "WEBVTT"
    for block in blocks:
        timing, *lines = block.split("\n")
        assert timing[2] == ":"
        assert " --> " in timing
        assert lines
        assert all("-->" not in line for line in lines)
    return blocks


async def test_subtitles_beside_the_film_are_found_and_served_as_webvtt(home: Home) -> None:
    film = home.add("Trips/Alps.mp4")
    for name, content in {
        "Alps.srt": SRT,
        "Alps.en.srt": SRT,
        "Alps.pt-BR.forced.ass": ASS,
        "alps.GER.vtt": VTT,
        "Alps.mp4.fr.srt": SRT,
        "Alps.Director's cut.srt": SRT,
        "Alps.txt": "no subtitles",
        "Other.en.srt": SRT,
        "Alpsen.srt": SRT,
    }.items():
        (film.parent / name).write_text(content, encoding="utf-8")
    await home.scan()
    video = await home.video("Trips/Alps.mp4")
    found = await tracks(home, video)
    assert [(label, language) for _, label, language in found] == [
        ("Director's cut", ""),
        ("English", "en"),
        ("French", "fr"),
        ("German", "de"),
        ("Portuguese (BR) (forced)", "pt-BR"),
        ("Subtitles", ""),
    ]
    for address, _, _ in found:
        answer = await home.client.get(address)
        assert answer.status_code == 200
        assert answer.content_type == "text/vtt; charset=utf-8"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert (await answer.get_data(as_text=True)).startswith("WEBVTT\n")
    listed = await (await home.client.get(f"/api/videos/{video.media_hash}/subtitles")).get_json()
    assert listed["subtitles"][1] == {"url": found[1][0], "label": "English", "language": "en"}
    assert listed["subtitles"][0]["language"] is None
    page = await (await home.client.get("/watch/Trips/Alps.mp4")).get_data(as_text=True)
    assert all(f'src="{address}"' in page for address, _, _ in found)


async def test_subtitles_of_a_film_whose_name_begins_alike_stay_with_it(home: Home) -> None:
    for name in ("Film.mp4", "Film.2.mp4"):
        home.add(name)
    for name in ("Film.en.srt", "Film.2.srt", "Film.2.de.srt", "Film.20.srt"):
        (home.library / name).write_text(SRT)
    await home.scan()
    labels = {
        name: [label for _, label, _ in await tracks(home, await home.video(name))]
        for name in ("Film.mp4", "Film.2.mp4")
    }
    assert labels == {"Film.mp4": ["20", "English"], "Film.2.mp4": ["German", "Subtitles"]}


async def test_several_subtitles_of_one_language_can_be_told_apart(home: Home) -> None:
    home.add("Film.mp4")
    for name in ("Film.en.srt", "Film.eng.srt", "Film.English.vtt"):
        (home.library / name).write_text(SRT)
    await home.scan()
    found = await tracks(home, await home.video("Film.mp4"))
    assert [label for _, label, _ in found] == ["English", "English 2", "English 3"]
    assert len({address for address, _, _ in found}) == 3


async def test_names_of_any_bytes_and_spellings_have_subtitles(home: Home) -> None:
    home.add(b"bad\xff.mp4")
    home.add("Cafe\u0301.mp4")
    (home.library / os.fsdecode(b"bad\xff.en.srt")).write_text(SRT)
    (home.library / "CAF\u00c9.en.srt").write_text(SRT)
    await home.scan()
    for name in (b"bad\xff.mp4", "Cafe\u0301.mp4".encode()):
        [(address, label, language)] = await tracks(home, await home.video(name))
        assert (label, language) == ("English", "en")
        assert (await home.client.get(address)).status_code == 200


async def test_subtitles_are_fetched_again_only_when_they_changed(home: Home) -> None:
    home.add("Film.mp4")
    subtitle = home.library / "Film.srt"
    subtitle.write_text(SRT)
    await home.scan()
    [(address, _, _)] = await tracks(home, await home.video("Film.mp4"))
    first = await home.client.get(address)
    again = await home.client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.headers["ETag"] == first.headers["ETag"]
    subtitle.write_text(SRT.replace("Bye", "Farewell"))
    changed = await home.client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert "Farewell" in await changed.get_data(as_text=True)


async def test_absent_subtitles_are_a_404(home: Home) -> None:
    home.add("Film.mp4")
    subtitle = home.library / "Film.srt"
    subtitle.write_text(SRT)
    await home.scan()
    video = await home.video("Film.mp4")
    [(address, _, _)] = await tracks(home, video)
    subtitle.unlink()
    for missing in (
        address,
        f"/subtitles/{video.media_hash}/0.vtt",
        "/subtitles/0123456789abcdef/00000000.vtt",
        "/subtitles/x/y.vtt",
    ):
        assert (await home.client.get(missing)).status_code == 404


async def test_links_that_lead_out_of_the_library_are_not_followed(
    home: Home, tmp_path: Path
) -> None:
    home.add("Film.mp4")
    (tmp_path / "secret.txt").write_text(SRT)
    (home.library / "Film.srt").symlink_to(tmp_path / "secret.txt")
    os.mkfifo(home.library / "Film.en.srt")
    await home.scan()
    found = await tracks(home, await home.video("Film.mp4"))
    assert len(found) == 2
    for address, _, _ in found:
        assert (await home.client.get(address)).status_code == 404


async def test_a_subtitle_file_that_is_none_is_a_message(home: Home) -> None:
    home.add("Film.mp4")
    (home.library / "Film.de.srt").write_bytes(os.urandom(5000))
    (home.library / "Film.en.srt").write_bytes(b"x" * (MAX_BYTES + 1))
    (home.library / "Film.fr.ass").write_text("[Events]\nDialogue: nonsense")
    (home.library / "Film.srt").write_text("")
    await home.scan()
    for address, label, _ in await tracks(home, await home.video("Film.mp4")):
        answer = await home.client.get(address)
        if label == "Subtitles":  # an empty one is whole
            assert await answer.get_data(as_text=True) == "WEBVTT\n"
        else:
            assert 400 <= answer.status_code < 500


async def test_a_folder_that_is_away_costs_the_subtitles_only(home: Home) -> None:
    home.add("Sub/Film.mp4")
    (home.library / "Sub" / "Film.srt").write_text(SRT)
    await home.scan()
    video = await home.video("Sub/Film.mp4")
    [(address, _, _)] = await tracks(home, video)
    (home.library / "Sub").rename(home.library / "Elsewhere")
    assert await tracks(home, video) == []
    assert (await home.client.get(address)).status_code == 503


def test_subrip_becomes_webvtt() -> None:
    assert cues(to_webvtt(SRT.encode(), "srt")) == [
        "00:00:01.000 --> 00:00:02.500\nFirst line\nsecond line",
        "00:01:00.000 --> 01:02:03.004\nBye",
    ]


def test_substation_becomes_webvtt_in_the_order_of_time() -> None:
    assert cues(to_webvtt(ASS.encode(), "ass")) == [
        "00:00:01.000 --> 00:00:02.500 line:0\n<b>Up</b> here\nthere, too",
        "00:00:03.000 --> 00:00:04.000\n<i>hm</i>",
        "00:00:05.000 --> 00:00:06.000\nlater",
    ]


def test_webvtt_stays_as_it_is() -> None:
    assert to_webvtt(VTT.encode("utf-8-sig"), "vtt") == VTT
    assert to_webvtt(VTT.replace("\n", "\r\n").encode(), "vtt") == VTT


def test_subrip_with_the_name_of_webvtt_is_understood() -> None:
    assert len(cues(to_webvtt(SRT.encode(), "vtt"))) == 2


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("I <3 you & me", "I &lt;3 you &amp; me"),
        ("a --> b", "a --&gt; b"),
        ("<i>soft</i> <B>loud</B> <u>line</u>", "<i>soft</i> <b>loud</b> <u>line</u>"),
        ('<font color="#ffff00">yellow</font>', "yellow"),
        ("<i >x</ i>", "<i>x</i>"),
        ("if a < b and c > d", "if a &lt; b and c &gt; d"),
        ("{\\an8}top", "top"),
        ("{\\i1}soft{\\i0} rest", "<i>soft</i> rest"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("one\n\ntwo", "one\ntwo"),
        ("null\0byte", "null\ufffdbyte"),
    ],
)
def test_text_is_shown_as_it_was_meant(written: str, shown: str) -> None:
    [cue] = cues(to_webvtt(f"1\n00:00:01,000 --> 00:00:02,000\n{written}\n\n".encode(), "srt"))
    assert cue.partition("\n")[2] == shown


@pytest.mark.parametrize(
    ("text", "encoding", "language"),
    [
        ("Où étais-tu hier soir ? Ça va très bien, garçon.", "utf-8", ""),
        ("Où étais-tu hier soir ? Ça va très bien, garçon.", "utf-8-sig", ""),
        ("Où étais-tu hier soir ? Ça va très bien, garçon.", "utf-16", ""),
        ("Où étais-tu hier soir ? Ça va très bien, garçon.", "utf-32", ""),
        ("Où étais-tu hier soir ? Ça va très bien, garçon.", "cp1252", ""),
        ("Schön, dass du da bist. Grüße aus der Straße!", "cp1252", ""),
        ("¿Dónde estabas anoche, señor? No sé de qué hablas.", "cp1252", ""),
        ("Где ты был вчера вечером? Я не знаю, о чём ты говоришь.", "cp1251", ""),
        ("Где ты был вчера вечером? Я не знаю, о чём ты говоришь.", "koi8_r", ""),
        ("Где ты был вчера вечером? Я не знаю, о чём ты говоришь.", "koi8_r", "ru"),
        ("Nevím, o čem mluvíš. Prosím, zůstaň ještě chvíli.", "cp1250", "cs"),
        ("Ne dediğini bilmiyorum. Şimdi gitmeliyim.", "cp1254", "tr"),
        ("Δεν ξέρω τι λες. Πάμε σπίτι, είναι αργά.", "cp1253", ""),
        (
            "איפה היית אתמול בלילה? אני לא יודע על מה אתה מדבר. בוא נלך הביתה, כבר מאוחר.",
            "cp1255",
            "",
        ),
        ("أين كنت ليلة أمس", "cp1256", "ar"),
        ("昨日の夜はどこにいましたか", "shift_jis", "ja"),
        ("昨日の夜はどこにいましたか", "euc_jp", "ja"),
        ("你昨天晚上去哪里了，我不知道你在说什么", "gb18030", "zh"),
        ("你昨天晚上去哪裡了，我不知道你在說什麼", "big5", "zh"),
        ("어젯밤에 어디 있었어? 무슨 말인지 모르겠어", "cp949", "ko"),
    ],
)
def test_encodings_are_guessed(text: str, encoding: str, language: str) -> None:
    assert text in decoded(SRT.replace("Bye", text).encode(encoding), language)


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        ("en", ("en", "English")),
        ("ENG", ("en", "English")),
        ("ger", ("de", "German")),
        ("deu", ("de", "German")),
        ("pt-br", ("pt-BR", "Portuguese (BR)")),
        ("zh_Hant", ("zh-Hant", "Chinese (Hant)")),
        ("Spanish", ("es", "Spanish")),
        ("xx", None),
        ("2019", None),
        ("", None),
        ("en-", None),
        ("en-forced", None),
        ("es-419", ("es-419", "Spanish (419)")),
        ("Chinese (Traditional)", ("zh-Hant", "Chinese (Hant)")),
        ("jp", ("ja", "Japanese")),
    ],
)
def test_languages_are_recognized(spelling: str, expected: tuple[str, str] | None) -> None:
    assert language_of(spelling) == expected


def test_more_films_than_anybody_has_in_one_folder_are_no_trouble(tmp_path: Path) -> None:
    for number in range(2000):
        (tmp_path / f"Film {number}.mp4").touch()
        (tmp_path / f"Film {number}.en.srt").touch()
    [subtitle] = find(os.fsencode(tmp_path), 1, b"Film 77.mp4", {".mp4"})
    assert subtitle.path == b"Film 77.en.srt"


PIECES = st.sampled_from(
    [
        *(
            "\n",
            "\n\n",
            "1",
            "00:00:01,000 --> 00:00:02,000",
            "-->",
            "<i>",
            "</i>",
            "<",
            ">",
            "{\\i1}",
            "{",
            "}",
            "{\\p1}",
            "\\N",
            " ",
        ),
        *(
            "[Events]",
            "[V4+ Styles]",
            "Format: Start, End, Text",
            "Dialogue: 0:00:01.00,0:00:02.00,x",
            "Style: ",
            "WEBVTT",
            "&",
            "é",
            "\0",
        ),
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(PIECES | st.text(max_size=20), max_size=40).map("".join),
    st.sampled_from(["srt", "vtt", "ass", "ssa"]),
)
def test_any_text_becomes_webvtt_or_a_message(text: str, kind: str) -> None:
    try:
        answer = to_webvtt(text.encode("utf-8", "replace"), kind)
    except Unreadable as error:
        assert error.message
        return
    assert answer.startswith("WEBVTT")
    if not text.replace("\r", "\n").startswith("WEBVTT"):
        cues(answer)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["", "ru", "ja", "xx"]))
def test_any_bytes_become_text(content: bytes, language: str) -> None:
    assert isinstance(decoded(content, language), str)


@pytest.mark.parametrize(
    "piece",
    [
        "<i ",
        "<font a=",
        "{\\i1}",
        "{",
        "\n",
        "1\n",
        "<i>",
        " ",
        "9",
        "\\N",
        "00:00:01,000 --> 00:00:02,000\n",
        "é",
    ],
)
@pytest.mark.parametrize("kind", ["srt", "ass"])
def test_a_hostile_file_costs_no_more_than_its_size(piece: str, kind: str) -> None:
    """Ends at all: quadratic work on half a million repetitions would take hours."""
    begin = ASS + "Dialogue: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,," if kind == "ass" else SRT
    for line_length in (15_000, 1_000_000):
        line = piece * (line_length // len(piece.encode()))
        content = begin + (line + "\n") * (1_000_000 // line_length)
        assert to_webvtt(content.encode(), kind).startswith("WEBVTT")


@pytest.mark.parametrize(
    ("name", "label", "language"),
    [
        ("Film-en.srt", "English", "en"),
        ("Film_pt-BR.srt", "Portuguese (BR)", "pt-BR"),
        ("Film.zh-Hant.srt", "Chinese (Hant)", "zh-Hant"),
        ("Film.chs.srt", "Chinese (Hans)", "zh-Hans"),
        ("Film.en.forced.srt", "English (forced)", "en"),
        ("Film.en.hi.srt", "English (for the hard of hearing)", "en"),
        ("Subs/Film.de.srt", "German", "de"),
        ("Subs/2_English.srt", "English", "en"),
        ("subtitles/Film/3_French.srt", "French", "fr"),
        ("Film.en-forced.srt", "English (forced)", "en"),
        ("Film-pt-BR-forced.srt", "Portuguese (BR) (forced)", "pt-BR"),
        ("Film_eng_sdh.srt", "English (for the hard of hearing)", "en"),
        ("Film.English [SDH].srt", "English (for the hard of hearing)", "en"),
        ("Film.hi.en.srt", "English (for the hard of hearing)", "en"),
        ("Film.hi.srt", "Hindi", "hi"),
        ("Film.en.hearing_impaired.srt", "English (for the hard of hearing)", "en"),
        ("Film - English (CC).srt", "English (for the hard of hearing)", "en"),
        ("Film.chs&eng.srt", "Chinese (Hans) + English", "zh-Hans"),
        ("Film.Brazilian Portuguese.srt", "Portuguese (BR)", "pt-BR"),
        ("Film.en.Commentary of the crew.srt", "English · Commentary of the crew", "en"),
        ("Subs/4_Chinese (Simplified).srt", "Chinese (Hans)", "zh-Hans"),
        ("Subs/English (Forced).srt", "English (forced)", "en"),
        ("Subs/5_English,SDH.srt", "English (for the hard of hearing)", "en"),
    ],
)
def test_subtitles_are_found_under_the_names_people_give_them(
    tmp_path: Path, name: str, label: str, language: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nx\n")
    (found,) = find(os.fsencode(tmp_path), 1, b"Film.mkv", (".mkv", ".mp4"))
    assert (found.label, found.language) == (label, language)
    assert found.path == name.encode()


@pytest.mark.parametrize(
    "name",
    [
        "Film-2.srt",
        "Film 2.srt",
        "Film - The English One.srt",
        "Film-en.txt",
        "Filmer.srt",
        "Subs/2_English.srt",
    ],
)
def test_subtitles_of_others_are_left_to_them(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\nx\n")
    for other in ("Film.mkv", "Another.mkv"):
        (tmp_path / other).touch()
    assert find(os.fsencode(tmp_path), 1, b"Film.mkv", (".mkv", ".mp4")) == []


DELAYED = "WEBVTT\n\n1\n00:01.000 --> 00:02.500 line:0\nOne\n\n01:00:00.000 --> 01:00:01.000\nTwo\n"


@pytest.mark.parametrize(
    ("delay", "times"),
    [
        ("", ["00:01.000 --> 00:02.500 line:0", "01:00:00.000 --> 01:00:01.000"]),
        ("1.5", ["00:00:02.500 --> 00:00:04.000 line:0", "01:00:01.500 --> 01:00:02.500"]),
        ("-2", ["00:00:00.000 --> 00:00:00.500 line:0", "00:59:58.000 --> 00:59:59.000"]),
        ("-999", ["00:00:00.000 --> 00:00:00.000 line:0", "00:43:21.000 --> 00:43:22.000"]),
        ("%C2%B2", ["00:01.000 --> 00:02.500 line:0", "01:00:00.000 --> 01:00:01.000"]),
    ],
)
async def test_subtitles_come_later_or_earlier_as_the_address_says(
    home: Home, delay: str, times: list[str]
) -> None:
    home.add("Film.mp4")
    (home.library / "Film.vtt").write_text(DELAYED)
    await home.scan()
    [(address, _, _)] = await tracks(home, await home.video("Film.mp4"))
    answer = await home.client.get(f"{address}?delay={delay}")
    text = await answer.get_data(as_text=True)
    assert [line for line in text.splitlines() if "-->" in line] == times


async def test_the_page_takes_delay_and_size_of_subtitles_from_its_form(home: Home) -> None:
    home.add("Film.mp4")
    (home.library / "Film.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nOne\n")
    await home.scan()
    page = await (await home.client.get("/watch/Film.mp4?delay=-0.5&cues=large")).get_data(True)
    assert re.search(r'<track [^>]*src="/subtitles/[^"]+\.vtt\?delay=-0\.5"', page)
    assert 'data-cues="large"' in page
    assert re.search(r'name="delay"[^>]* value="-0\.5"', page)
    assert '<option value="large" selected>' in page
    odd = await (await home.client.get("/watch/Film.mp4?delay=1e9&cues=%22%3E")).get_data(True)
    assert ".vtt?" not in odd
    assert "data-cues" not in odd
