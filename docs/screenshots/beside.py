"""Pictures of the pages before and after, side by side: one PNG for each page.

`python docs/screenshots/beside.py LIBRARY SHEETS --before REVISION [--pages NAME,…]
[--sizes NAME,…] [--themes NAME,…]` takes the pictures of a revision of this repository and of the
working tree with `take.py`, then makes the sheets. With `--taken BEFORE AFTER` it only makes the
sheets, of two folders of pictures that are there.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).parent
WIDTH = 900  # of one picture on a sheet
GAP = 24
HEAD = 40
PAPER, INK = "#ffffff", "#1b1d20"


def pictures(revision: str | None, library: Path, folder: Path, more: list[str]) -> None:
    """Take the pictures of a revision, or of the working tree."""
    take = [sys.executable, HERE / "take.py", library, folder, *more]
    take += ["--data", folder.parent / f"{folder.name}-data"]
    if revision is None:
        subprocess.run([*map(str, take), "--source", str(HERE.parents[1])], check=True)
        return
    tree = folder.parent / "tree"
    subprocess.run(["git", "worktree", "add", "--detach", tree, revision], check=True, cwd=HERE)
    try:
        subprocess.run([*map(str, take), "--source", str(tree)], check=True)
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", tree], check=True, cwd=HERE)


def sheets(before: Path, after: Path, folder: Path) -> list[Path]:
    """One sheet for each page that either folder shows: a row for each size and theme."""
    pages: dict[str, list[str]] = defaultdict(list)
    for name in sorted({each.name for side in (before, after) for each in side.glob("*-*-*.png")}):
        page = name.removesuffix(".png").rsplit("-", 2)[0]
        pages[page].append(name)
    folder.mkdir(parents=True, exist_ok=True)
    return [sheet(page, names, before, after, folder) for page, names in pages.items()]


def sheet(page: str, names: list[str], before: Path, after: Path, folder: Path) -> Path:
    """The pictures of one page: before on the left, after on the right."""
    rows = [[shrunk(side / name) for side in (before, after)] for name in names]
    heights = [max(each.height for each in row) for row in rows]
    size = 2 * WIDTH + 3 * GAP, sum(heights) + len(rows) * (HEAD + GAP) + GAP
    paper = Image.new("RGB", size, PAPER)
    draw, font = ImageDraw.Draw(paper), ImageFont.load_default(22)
    top = GAP
    for name, row, height in zip(names, rows, heights, strict=True):
        for column, (title, picture) in enumerate(zip(("before", "after"), row, strict=True)):
            left = GAP + column * (WIDTH + GAP)
            draw.text((left, top), f"{name.removesuffix('.png')}, {title}", INK, font)
            paper.paste(picture, (left, top + HEAD))
        top += HEAD + height + GAP
    path = folder / f"{page}.png"
    paper.save(path)
    return path


def shrunk(path: Path) -> Image.Image:
    """The picture at the width of a sheet's column; an empty one where there is none."""
    if not path.exists():
        return Image.new("RGB", (WIDTH, 80), "#e6e6e3")
    picture = Image.open(path).convert("RGB")
    width = min(WIDTH, picture.width)
    return picture.resize((width, round(picture.height * width / picture.width)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", type=Path)
    parser.add_argument("sheets", type=Path)
    parser.add_argument("--before", metavar="REVISION", help="of this repository")
    parser.add_argument("--taken", nargs=2, type=Path, metavar=("BEFORE", "AFTER"))
    options, more = parser.parse_known_args()
    if options.taken:
        made = sheets(*options.taken, options.sheets)
    elif options.before:
        with tempfile.TemporaryDirectory() as place:
            before, after = Path(place) / "before", Path(place) / "after"
            pictures(options.before, options.library, before, more)
            pictures(None, options.library, after, more)
            made = sheets(before, after, options.sheets)
    else:
        parser.error("--before names the revision to compare with, or --taken two folders")
    print(*made, sep="\n")


if __name__ == "__main__":
    main()
