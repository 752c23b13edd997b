"""How soon a film is seen in Chromium: after play was pressed, and after a jump to its middle."""

import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from kinds import KINDS, SECONDS

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support.cinema import Cinema, Screen, cinema

QUIET_MS = 3000
LIMITS = {
    "direct": ("0.3 s", "1 s", "0.3 s", "1 s"),
    "copied": ("0.6 s", "1 s", "0.5 s", "1 s"),
    "ten bit": ("1.2 s", "2 s", "1.2 s", "2 s"),
    "hevc": ("1.5 s", "2.5 s", "2 s", "3 s"),
}
WORDS = {
    "direct": "direct",
    "copied": "copied, with AC-3",
    "ten bit": "converted, H.264 10 bit",
    "hevc": "converted, HEVC",
}
# The clock begins before the film is told to play, and ends with the first picture on the screen.
CLICK = """() => new Promise((resolve) => {
    const video = document.getElementById("player");
    const begun = performance.now();
    video.requestVideoFrameCallback((now) => resolve((now - begun) / 1000));
    video.play();
})"""
JUMP = """(at) => new Promise((resolve) => {
    const video = document.getElementById("player");
    const begun = performance.now();
    const look = (now, { mediaTime }) => {
        if (Math.abs(mediaTime - at) < 1) resolve((now - begun) / 1000);
        else video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
    video.currentTime = at;
})"""


def clicks(films: Path, place: Path, rounds: int) -> Iterator[tuple[str, str, str, str]]:
    """Rows of the table: each film is opened once, so that nothing of it was made before."""
    taken: dict[str, list[tuple[float, float]]] = {}
    with cinema(films / "kinds", place, len(KINDS) * rounds) as running:
        _opened(running, "direct/0 direct.mp4")  # the browser's own first film
        for number in range(rounds):
            for name in KINDS:
                kind = name.partition(".")[0]
                taken.setdefault(kind, []).append(_opened(running, f"{kind}/{number} {name}"))
    for column, what in enumerate(("click to first picture", "jump to the middle")):
        for kind, times in taken.items():
            goal, least = LIMITS[kind][2 * column : 2 * column + 2]
            each = sorted(pair[column] for pair in times)
            said = f"{statistics.median(each):.2f} s ({each[0]:.2f} to {each[-1]:.2f})"
            yield f"{what}, {WORDS[kind]}", f"≤ {goal}", f"≤ {least}", said


def _opened(running: Cinema, name: str) -> tuple[float, float]:
    """Seconds to the first picture, and to the one in the middle."""
    with running.screen() as screen:
        screen.page.goto(f"/watch/{quote(name)}", wait_until="networkidle")
        click = float(screen.page.evaluate(CLICK))
        screen.wait("video.currentTime > 1")
        screen.page.wait_for_timeout(QUIET_MS)
        return click, _jumped(screen)


def _jumped(screen: Screen) -> float:
    return float(screen.page.evaluate(JUMP, SECONDS / 2 + 0.5))
