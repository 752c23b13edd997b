"""The ladder from evidence to a film's projection."""

from pathlib import Path

import pytest

from lvs.errors import Invalid
from lvs.models import Projection, Stereo
from lvs.services.media.projection import (
    Container,
    Evidence,
    Likeness,
    by_person,
    resolve,
    suggested_stereo,
)

DIFFERENT = Likeness(0.1, 0.2)
BESIDE = Likeness(0.98, 0.1)
ABOVE = Likeness(0.1, 0.97)
UNKNOWN = (0, 0)
HD = (1920, 1080)

# File name, frame, likeness of the halves; then shape, stereo, and what else must hold.
VECTORS = [
    ("holiday.mp4", HD, DIFFERENT, "flat mono"),
    ("alps_180_LR.mp4", (5760, 2880), BESIDE, "equirect180 sbs"),
    ("alps_180_LR.mp4", (5760, 2880), DIFFERENT, "equirect180 sbs"),
    ("alps-180x180-3dh.mp4", UNKNOWN, None, "equirect180 sbs"),
    ("dive_360_TB.mp4", (4096, 4096), None, "equirect360 tb"),
    ("dive_mono_360.mp4", (3840, 1920), None, "equirect360 mono"),
    ("dive_mono_360.mp4", UNKNOWN, None, "equirect360 mono"),
    ("x_MKX200_alpha.mp4", UNKNOWN, None, "fisheye sbs 200 MKX200"),
    ("x_MKX220.mp4", HD, None, "fisheye sbs 220 MKX220"),
    ("x_VRCA220_LR.mp4", HD, None, "fisheye sbs 220 VRCA220"),
    ("x_FISHEYE190.mp4", UNKNOWN, None, "fisheye sbs 190 Linear"),
    ("x_RF52.mp4", UNKNOWN, None, "fisheye sbs 190 Linear"),
    ("x_FISHEYE.mp4", (5760, 2880), None, "fisheye sbs 180 Linear"),
    ("drone_360.mp4", (3840, 1920), None, "equirect360 mono"),
    ("drone_360.mp4", HD, DIFFERENT, "flat mono"),
    ("movie_HSBS.mkv", HD, BESIDE, "flat sbs"),
    ("movie_HOU.mkv", HD, ABOVE, "flat tb"),
    ("movie half side by side.mkv", HD, BESIDE, "flat sbs"),
    ("movie.over-under.mkv", HD, ABOVE, "flat tb"),
    ("movie_RL.mkv", HD, BESIDE, "flat sbs swapped"),
    ("movie_HSBS.mkv", HD, None, "flat mono"),
    ("clip_RL_180.mp4", UNKNOWN, None, "equirect180 sbs swapped"),
    ("clip_BT_360.mp4", (4096, 4096), None, "equirect360 tb swapped"),
    ("ABC-360-R1.mp4", HD, DIFFERENT, "flat mono"),
    ("ABC-360-R1.mp4", (3840, 1920), DIFFERENT, "flat mono"),
    ("Xbox 360.mp4", HD, DIFFERENT, "flat mono"),
    ("top 180 goals.mp4", HD, DIFFERENT, "flat mono"),
    ("360p clip.mp4", (640, 360), DIFFERENT, "flat mono"),
    ("My 4TB disk.mp4", HD, DIFFERENT, "flat mono"),
    ("Adobe LR presets 360 export.mp4", HD, DIFFERENT, "flat mono"),
    ("SBS News 2020.mp4", HD, DIFFERENT, "flat mono"),
    ("show_2D_180.mp4", (3840, 1920), BESIDE, "flat mono"),
    ("x_VR180.mp4", (5760, 2880), None, "equirect180 sbs"),
    ("x_VR180_mono.mp4", (2880, 2880), None, "equirect180 mono"),
    ("x_360x180.mp4", (4096, 4096), None, "equirect360 tb"),
    ("x_360x180.mp4", (4096, 2048), None, "equirect360 mono"),
    ("x_EAC360.mp4", UNKNOWN, None, "eac mono"),
    # Half spheres are often kept in 16:9; then the picture must agree.
    ("alps_180_LR.mp4", HD, BESIDE, "equirect180 sbs"),
    ("Adobe LR 180 export.mp4", HD, DIFFERENT, "flat mono"),
    # A lens by its short name, and an aperture and a plain word that are none.
    ("x_F190.mp4", UNKNOWN, None, "fisheye sbs 190 Linear"),
    ("F190_LR_x.mp4", UNKNOWN, None, "fisheye sbs 190 Linear"),
    ("F190 review part two.mp4", HD, DIFFERENT, "flat mono"),
    ("my fisheye lens.mp4", HD, DIFFERENT, "flat mono"),
    ("spin 360.mp4", (1080, 1080), DIFFERENT, "flat mono"),
    ("", UNKNOWN, None, "flat mono"),
    ("...", UNKNOWN, None, "flat mono"),
]


@pytest.mark.parametrize(("name", "frame", "likeness", "expected"), VECTORS)
def test_a_name_gives_the_projection_it_says(
    name: str, frame: tuple[int, int], likeness: Likeness | None, expected: str
) -> None:
    found = resolve(Evidence(name, *frame, None, likeness))
    assert told(found) == expected
    assert found.source == ("name" if found.immersive or "2D" in name else "default")


def told(found: Projection) -> str:
    """Shape, stereo, `swapped`, and angle and name of a lens."""
    lens = f"{found.fov:g} {found.lens}" if found.lens and found.fov else ""
    return " ".join(
        word for word in (found.shape, found.stereo, "swapped" * found.swapped, lens) if word
    )


@pytest.mark.parametrize(
    ("container", "name", "frame", "expected"),
    [
        (Container("equirect"), "holiday.mp4", HD, "equirect360 mono"),
        (Container("equirect", 180.0, Stereo.SBS), "holiday.mp4", HD, "equirect180 sbs"),
        (Container("equirect", 312.0, Stereo.MONO), "x_180_LR.mp4", (3840, 1920), "flat mono"),
        (Container("equirect", 351.0), "holiday.mp4", HD, "equirect360 mono"),
        (Container("fisheye"), "holiday.mp4", HD, "fisheye mono 180 Linear"),
        (Container("rectilinear"), "x_VR180.mp4", HD, "flat mono"),
        (Container("cube"), "holiday.mp4", HD, "flat mono"),
        (Container(None, stereo=Stereo.TB), "holiday.mp4", HD, "flat tb"),
        (Container(None, stereo=Stereo.SBS, swapped=True), "a.mp4", HD, "flat sbs swapped"),
        (Container("rectilinear", one_eye=True, stereo=Stereo.SBS), "a.mov", HD, "flat mono"),
        # What the container leaves open, the name says.
        (Container("equirect"), "dive_360_TB.mp4", (4096, 4096), "equirect360 tb"),
        (Container(None, stereo=Stereo.SBS), "alps_180x180.mp4", (5760, 2880), "equirect180 sbs"),
        # It says nothing, so the name does.
        (Container(None, stereo=Stereo.MONO), "alps_180_LR.mp4", (5760, 2880), "equirect180 sbs"),
    ],
)
def test_the_container_comes_before_the_name(
    container: Container, name: str, frame: tuple[int, int], expected: str
) -> None:
    assert told(resolve(Evidence(name, *frame, container, DIFFERENT))) == expected


def test_a_reason_quotes_the_words_that_decided() -> None:
    found = resolve(Evidence("alps_180_LR.mp4", 5760, 2880))
    assert found.reason == "The name says so: 180_LR."
    assert found.sure
    assert not resolve(Evidence("drone_360.mp4", 3840, 1920)).sure


def test_a_picture_alone_is_offered_and_never_applied() -> None:
    evidence = Evidence("holiday.mp4", *HD, None, BESIDE)
    found = resolve(evidence)
    offered = suggested_stereo(evidence, found)
    assert not found.immersive
    assert offered is not None
    assert (offered.shape, offered.stereo) == ("flat", "sbs")
    assert offered.reason == "Looks like 3D, side by side."


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence("holiday.mp4", *HD, None, DIFFERENT),
        Evidence("holiday_2D.mp4", *HD, None, BESIDE),
        Evidence("movie_HSBS.mp4", *HD, None, BESIDE),
        Evidence("holiday.mp4", *HD, Container("rectilinear"), BESIDE),
        Evidence("holiday.mp4", *HD),
    ],
)
def test_nothing_is_offered_where_something_is_known(evidence: Evidence) -> None:
    assert suggested_stereo(evidence, resolve(evidence)) is None


def test_a_person_chooses_any_shape() -> None:
    assert told(by_person("fisheye", "sbs", True, None, "MKX200")) == (
        "fisheye sbs swapped 200 MKX200"
    )
    assert told(by_person("flat", "mono", True)) == "flat mono"
    assert by_person("equirect180", "sbs").fov == 180


@pytest.mark.parametrize(
    "choice",
    [
        ("dome", "sbs"),
        ("flat", "3d"),
        ("fisheye", "sbs", False, 5.0),
        ("fisheye", "sbs", False, float("nan")),
        ("fisheye", "sbs", False, None, "Nikon"),
    ],
)
def test_a_choice_that_does_not_exist_is_refused(choice: tuple[str, str]) -> None:
    with pytest.raises(Invalid):
        by_person(*choice)


def test_a_projection_has_a_badge() -> None:
    assert resolve(Evidence("alps_180_LR.mp4", 5760, 2880)).badge == "180 3D"
    assert resolve(Evidence("x_RF52.mp4")).badge == "Fisheye 3D"
    assert resolve(Evidence("holiday.mp4", *HD)).badge == ""


CORPUS = Path(__file__).parents[4] / "shared" / "media" / "MANIFEST.tsv"


@pytest.mark.skipif(not CORPUS.exists(), reason="the sample videos are not here")
def test_no_name_of_an_ordinary_film_makes_it_more_than_flat() -> None:
    rows = [line.split("\t") for line in CORPUS.read_text("utf-8").splitlines()[1:]]
    ordinary = [row[0] for row in rows if not row[0].startswith("vr/")]
    assert len(ordinary) > 50
    for name in ordinary:
        for frame in (HD, (3840, 1920), (1080, 1080)):
            assert not resolve(Evidence(name, *frame, None, DIFFERENT)).immersive
