"""Titles from file names."""

import pytest

from lvs.services.media.projection import LENSES, SIDES, SPHERES
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
        # layouts of films for headsets
        ("VR/Alps_180_LR.mp4", "Alps"),
        ("VR/Alps 180 LR.mp4", "Alps"),
        ("VR/Alps (180 LR).mp4", "Alps"),
        ("VR/Lake at dawn (2021)_8K_180_SBS_60fps.mp4", "Lake at dawn (2021)"),
        ("VR/The.dive.360.TB.mp4", "The dive"),
        ("VR/dive_mono_360.mp4", "dive"),
        ("VR/Cave-180x180-3dh.mp4", "Cave"),
        ("VR/Reef_360_ou.mp4", "Reef"),
        ("VR/Reef 360 VR.mp4", "Reef"),
        ("VR/Kite_MKX200_alpha.mp4", "Kite"),
        ("VR/Kite_FISHEYE190_LR_6K.mp4", "Kite"),
        ("VR/Kite_F180_180_3DH.mp4", "Kite"),
        ("2024-08 Dolomites/IMG_4021_180_LR.mp4", "Dolomites · 4021"),
        ("VR/2024-08-02 Summit_180_LR.mp4", "Summit"),
        ("Films/The.Boat.2019.3D.HSBS.1080p.mkv", "The Boat (2019)"),
        ("Films/The Boat 3D SBS.mkv", "The Boat"),
        # and names in which these words are words
        ("180 Degrees South.mp4", "180 Degrees South"),
        ("Area 51.mp4", "Area 51"),
        ("Studio 180.mp4", "Studio 180"),
        ("Xbox 360.mp4", "Xbox 360"),
        ("Top 180 goals.mp4", "Top 180 goals"),
        ("180.mp4", "180"),
        ("180_LR.mp4", "180 LR"),
        ("Virage 360 ou 180.mp4", "Virage 360 ou 180"),
        ("SBS News 2020.mp4", "SBS News 2020"),
        ("Evening news on SBS.mp4", "Evening news on SBS"),
        ("Adobe LR 180 export.mp4", "Adobe LR 180 export"),
        ("My 4 TB.mp4", "My 4 TB"),
        ("Through the fisheye.mp4", "Through the fisheye"),
        ("Recorded in mono.mp4", "Recorded in mono"),
        ("The glass half full.mp4", "The glass half full"),
        ("A film in 3D.mp4", "A film in 3D"),
    ],
)
def test_a_title_is_what_people_would_give(path: str, title: str) -> None:
    assert title_from_path(path.encode()) == title


@pytest.mark.parametrize(
    "mark",
    [
        *(f"180_{side}" for side in SIDES),
        *(word for word in LENSES if word != "fisheye"),  # also a plain word
        *SPHERES,
    ],
)
def test_no_mark_by_which_a_film_is_recognised_stays_in_its_title(mark: str) -> None:
    for spelled in (mark, mark.upper()):
        assert title_from_path(f"VR/High tide_{spelled}.mp4".encode()) == "High tide"


def test_bytes_that_are_not_text_are_no_reason_to_stop() -> None:
    assert title_from_path(b"caf\xe9/IMG_0001.mp4") == "caf\ufffd · 0001"
    assert title_from_path(b"\xff.mp4") == "\ufffd"


def test_the_plain_title_is_the_name_with_spaces() -> None:
    assert plain_title(b"Trip/IMG_4021.x.mov") == "IMG 4021 x"
