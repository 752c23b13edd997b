"""What the documentation names is there: pages, headings, options and commands."""

import re
from pathlib import Path

import pytest
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
