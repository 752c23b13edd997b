"""Titles from file names."""

import pytest

from lvs.titles import plain_title, title_from_path


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("Holiday_2019.mp4", "Holiday 2019"),
        ("Beach.walk.mp4", "Beach walk"),
        ("Bell tower, church of St. Martin.mp4", "Bell tower, church of St. Martin"),
        ("Version 2.5 of the boat.mp4", "Version 2.5 of the boat"),
        ("Version_2.5_of.the.boat.mp4", "Version 2.5 of the boat"),
        ("no extension", "no extension"),
        (".mp4", "mp4"),
        ("___.mp4", "___.mp4"),
        # cameras
        ("2023-07-14 Learning to swim/IMG_4021.MOV", "Learning to swim · 4021"),
        ("2023-07-14 Learning to swim/IMG_E4021 (2).MOV", "Learning to swim · 4021"),
        ("Dolomites/GX010231.MP4", "Dolomites · 010231"),
        ("Dolomites/DCIM/100GOPRO/GOPR0042.MP4", "Dolomites · 0042"),
        ("DCIM/100MEDIA/DSC_0007.MOV", "DSC 0007"),
        ("IMG_4021.MOV", "IMG 4021"),
        ("Cappadocia/DJI_0042.MP4", "Cappadocia · 0042"),
        ("2023-12-24 Christmas Eve/VID_20231224_183012.mp4", "Christmas Eve · 18:30"),
        ("Tromso/PXL_20250218_201455123.TS.mp4", "Tromso · 20:14"),
        ("Swings/2019-06-11 12.45.12.mp4", "Swings · 12:45"),
        ("2019-06-11 12.45.12.mp4", "2019-06-11 12.45.12"),
        ("Party/Dancing.mp4", "Dancing"),
        ("Party/C3PO builds a shed.mp4", "C3PO builds a shed"),
        # dates
        ("1999-12-31 Fireworks.mp4", "Fireworks"),
        ("1994-08 Lake.mp4", "Lake"),
        ("2019-06-11.mp4", "2019-06-11"),
        ("1996 First snow.mp4", "1996 First snow"),
        # episodes
        ("Series/Hollow.Hill.S01E02.1080p.WEB.x264.mkv", "Hollow Hill · S1 E2"),
        ("Small Planets - S02E01 - Ice.mp4", "Small Planets · S2 E1 · Ice"),
        ("Hollow Hill/S01E03.mkv", "Hollow Hill · S1 E3"),
        ("S01E03.mkv", "S1 E3"),
        # releases
        ("The.Long.Way.North.2019.1080p.BluRay.x264.mkv", "The Long Way North (2019)"),
        ("Paper Lanterns (2021).mp4", "Paper Lanterns (2021)"),
        ("Paper Lanterns (2021) [1080p].mp4", "Paper Lanterns (2021)"),
        ("Charlotte's web.mp4", "Charlotte's web"),
        ("1080p.mp4", "1080p"),
    ],
)
def test_a_title_is_what_people_would_give(path: str, title: str) -> None:
    assert title_from_path(path.encode()) == title


def test_bytes_that_are_not_text_are_no_reason_to_stop() -> None:
    assert title_from_path(b"caf\xe9/IMG_0001.mp4") == "caf\ufffd · 0001"
    assert title_from_path(b"\xff.mp4") == "\ufffd"


def test_the_plain_title_is_the_name_with_spaces() -> None:
    assert plain_title(b"Trip/IMG_4021.x.mov") == "IMG 4021 x"
