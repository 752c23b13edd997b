"""Pages, headings, options and commands that the documentation names exist."""

import os
import plistlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from support import processes
from support.places import PROJECT

from lvs.config import OPTIONS

PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"`lvs ([a-z][a-z-]*)[^`]*`|^(?:sudo )?lvs ([a-z][a-z-]*)", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_pages_and_headings(page: Path) -> None:
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_named_as_variables_are_options(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = {name.lower() for name in re.findall(r"\bLVS_([A-Z_]+)=", text)}
    assert named <= set(OPTIONS)


def test_commands_that_are_named_exist(tmp_path: Path) -> None:
    listed = processes.run("--help", cwd=tmp_path).stdout
    there = set(re.findall(r"(?m)^    ([a-z-]+)\s", listed))
    assert {"serve", "doctor", "install-service"} <= there
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        named = {one or other for one, other in COMMAND.findall(text)}
        assert named <= there, page.name


README = (PROJECT / "README.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    """The section below a heading of the README."""
    _, _, rest = README.partition(f"\n## {heading}\n")
    assert rest, heading
    return re.split(r"(?m)^## ", rest)[0]


def test_the_front_door_is_short_and_shows_something_that_moves() -> None:
    assert len(re.findall(r"(?m)^\* ", section("What it can do"))) == 12
    [picture] = re.findall(r"!\[[^\]]*\]\((docs/screenshots/[^)]*\.webp)\)", README)
    assert (PROJECT / picture).stat().st_size <= 2_000_000
    with Image.open(PROJECT / picture) as moving:
        assert getattr(moving, "n_frames", 1) > 10
    script = (PROJECT / "docs" / "screenshots" / "moving.py").read_text(encoding="utf-8")
    assert Path(picture).name in script
    for device in ("phone", "headset"):
        steps = README.partition(f"**On the {device}**")[2].split("\n\n")[1]
        assert len(re.findall(r"(?m)^\d\. ", steps)) == 3
    for shown in ("gallery", "watch", "dashboard", "phone"):
        assert f"](docs/screenshots/{shown}.png)" in README


def test_the_comparison_says_of_when_it_is_and_leaves_nothing_out() -> None:
    text = section("Is it for you?")
    assert re.search(r"As of \w+ 20\d\d, to the best of our knowledge", text)
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    assert [each.strip() for each in rows[0]] == ["", "LVS", "Stash", "Jellyfin", "Immich", "XBVR"]
    assert all(each.strip() for row in rows[1:] for each in row)
    assert {len(row) for row in rows} == {6}


def test_the_commands_of_the_readme_work(tmp_path: Path) -> None:
    """The commands of the table below "Run", as they stand there."""
    (tmp_path / "Videos").mkdir()
    table = section("Run").partition("| then | |")[2]
    commands = re.findall(r"`(lvs [^`]*)`", table)
    assert commands == ["lvs password", "lvs install-service ~/Videos", "lvs doctor"]
    places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command in commands:
        done = subprocess.run(
            ["sh", "-c", command],
            input="a long secret\n",
            cwd=tmp_path,
            env=processes.environment(tmp_path, PATH=places, XDG_CONFIG_HOME=str(tmp_path)),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode <= (command == "lvs doctor"), (command, done.stderr)
    assert (tmp_path / "systemd" / "user" / "lvs.service").is_file()


def test_the_file_for_launchd_is_a_property_list() -> None:
    text = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```xml\n(.*?)```", text, re.DOTALL)
    found = plistlib.loads(block.encode())
    assert found["RunAtLoad"] is True
    assert found["ProgramArguments"][1] == "serve"
