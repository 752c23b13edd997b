"""A household whose films are spheres, with a browser that draws on the processor."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from support import loopback
from support.chromium import CHROMIUM
from support.headset import BOTH_EYES, FLAGS
from support.home import OLD_NS
from support.processes import serving, until
from support.spheres import SphereFilm, make_sphere_films

FILMS = {
    "alps_180_LR.mp4": SphereFilm("equirect180", "sbs"),
    "bay_180_RL.mp4": SphereFilm("equirect180", "sbs", swapped=True),
    "cave_180_TB.mp4": SphereFilm("equirect180", "tb"),
    "dive_360_TB.mp4": SphereFilm("equirect360", "tb"),
    "east_mono_360.mp4": SphereFilm("equirect360", "mono"),
    "fjord_FISHEYE190.mp4": SphereFilm("fisheye", "sbs", fov=190),
    "gate_EAC360_mono.mp4": SphereFilm("eac", "mono"),
    "hall_SBS.mp4": SphereFilm("flat", "sbs"),
}
ORDINARY = "zoo.mp4"


@dataclass(frozen=True)
class House:
    """A running server with these films, and a browser."""

    address: str
    browser: Browser
    hashes: dict[str, str]

    def watch(self, name: str) -> str:
        """The address of the film's page in a list by title."""
        return f"/watch/{quote(name)}?sort=title"

    def told(self, name: str, place: str = "") -> Any:
        """The server's JSON about a film; `place` is what follows its hash in the address."""
        return loopback.get(f"{self.address}/api/videos/{self.hashes[name]}{place}").json()

    def stars(self, name: str) -> int | None:
        """The stars that the server has for a film."""
        rating = loopback.get(f"{self.address}/api/ratings/{self.hashes[name]}").json()
        value: int | None = rating["user"]["value"]
        return value

    def tag(self, name: str, *tags: str) -> None:
        """Put tags on a film."""
        for tag in tags:
            address = f"{self.address}/api/videos/{self.hashes[name]}/tags"
            loopback.post(address, json={"tag": tag}).raise_for_status()

    @contextmanager
    def page(self, **options: Any) -> Iterator[Page]:
        """A page of its own; every error that the browser reports fails the test."""
        options = {"viewport": BOTH_EYES} | options
        context = self.browser.new_context(base_url=self.address, **options)
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: _note(errors, message))
        yield page
        context.close()
        assert not errors, errors


def _note(errors: list[str], message: ConsoleMessage) -> None:
    # A refused request is told on the panel; the browser tells it again.
    if message.type == "error" and "Failed to load resource" not in message.text:
        errors.append(message.text)


@contextmanager
def vr_house(folder: Path) -> Iterator[House]:
    """Serve a film of each kind, and an ordinary one."""
    library = folder / "Videos"
    library.mkdir()
    make_sphere_films(library, FILMS | {ORDINARY: SphereFilm("flat", "mono")})
    for path in library.iterdir():
        os.utime(path, ns=(OLD_NS, OLD_NS))
    with serving(library, folder) as server, sync_playwright() as playwright:
        hashes: dict[str, str] = {}
        until(lambda: _found(server.address, hashes))
        choice = {"shape": "flat", "stereo": "sbs"}
        address = f"{server.address}/api/videos/{hashes['hall_SBS.mp4']}/projection"
        loopback.put(address, json=choice).raise_for_status()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield House(server.address, browser, hashes)
        browser.close()


def _found(address: str, hashes: dict[str, str]) -> bool:
    """True once every film's shape is known."""
    videos = loopback.get(f"{address}/api/videos").json()["videos"]
    hashes.update({video["path"]: video["media_hash"] for video in videos})
    if len(hashes) <= len(FILMS):
        return False
    for name, film in FILMS.items():
        found = loopback.get(f"{address}/api/videos/{hashes[name]}").json()["projection"]
        if found["shape"] != film.shape:
            return False
    return True
