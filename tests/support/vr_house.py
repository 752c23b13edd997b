"""A household whose films are spheres, with a browser that draws on the processor."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import httpx
from jinja2 import Environment, FileSystemLoader
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, sync_playwright
from support.headset import BOTH_EYES, FLAGS
from support.home import OLD_NS
from support.processes import serving, until
from support.spheres import make_sphere_film

from lvs.paths import partials_folder

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)


@dataclass(frozen=True)
class Kind:
    """A projection, by the words of the watch page's data attributes."""

    shape: str
    stereo: str = "mono"
    swapped: bool = False
    fov: float | None = None


KINDS = {
    "alps_180_LR.mp4": Kind("equirect180", "sbs"),
    "bay_180_RL.mp4": Kind("equirect180", "sbs", True),
    "cave_180_TB.mp4": Kind("equirect180", "tb"),
    "dive_360_TB.mp4": Kind("equirect360", "tb"),
    "east_mono_360.mp4": Kind("equirect360"),
    "fjord_FISHEYE190.mp4": Kind("fisheye", "sbs", False, 190),
    "gate_EAC360_mono.mp4": Kind("eac"),
    "hall_3D_SBS.mp4": Kind("flat", "sbs"),
}


@dataclass(frozen=True)
class House:
    """A running server with these films, and a browser."""

    address: str
    browser: Browser
    hashes: dict[str, str]

    def watch(self, name: str, query: str = "?sort=title") -> str:
        return f"/watch/{quote(name)}{query}"

    def told(self, name: str, place: str = "") -> Any:
        """The server's JSON about a film; `place` is what follows its hash in the address."""
        return httpx.get(f"{self.address}/api/videos/{self.hashes[name]}{place}").json()

    def stars(self, name: str) -> int | None:
        rating = httpx.get(f"{self.address}/api/ratings/{self.hashes[name]}").json()
        value: int | None = rating["user"]["value"]
        return value

    @contextmanager
    def page(self, **options: Any) -> Iterator[Page]:
        """A page of its own; every error that the browser reports fails the test."""
        context = self.browser.new_context(
            base_url=self.address, **({"viewport": BOTH_EYES} | options)
        )
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: _note(errors, message))
        page.route("**/watch/**", _dress)
        yield page
        context.close()
        assert errors == []


def _note(errors: list[str], message: ConsoleMessage) -> None:
    if message.type == "error" and "the server responded with a status of" not in message.text:
        errors.append(message.text)


def _dress(route: Route) -> None:
    answer = route.fetch()
    text = answer.text()
    name = unquote(route.request.url.partition("?")[0].rpartition("/")[2])
    kind = KINDS.get(name)
    if kind and "data-shape" not in text:
        said = f'data-shape="{kind.shape}" data-stereo="{kind.stereo}" data-swapped="{int(kind.swapped)}" data-fov="{kind.fov or ""}"'
        text = text.replace('<video id="player"', f'<video id="player" {said}')
        environment = Environment(
            loader=FileSystemLoader(partials_folder()), autoescape=True, trim_blocks=True
        )
        partial = environment.get_template("vr_buttons.html").render(
            static_url=lambda name: f"/static/{name}?v=1"
        )
        text = re.sub(r'(<div class="under">)', lambda found: partial + found[0], text)
        text = text.replace("</head>", '<link rel="stylesheet" href="/static/vr/vr.css"></head>')
    route.fulfill(response=answer, body=text)


@contextmanager
def vr_house(folder: Path) -> Iterator[House]:
    """Serve one film of each kind."""
    library = folder / "Videos"
    library.mkdir()
    for seed, (name, kind) in enumerate(KINDS.items()):
        make_sphere_film(
            library / name,
            kind.shape,
            kind.stereo,
            swapped=kind.swapped,
            fov=kind.fov or 180,
            seed=seed,
        )
        os.utime(library / name, ns=(OLD_NS, OLD_NS))
    with serving(library, folder) as server, sync_playwright() as playwright:
        hashes: dict[str, str] = {}

        def found() -> bool:
            videos = httpx.get(f"{server.address}/api/videos").json()["videos"]
            hashes.update({video["path"]: video["media_hash"] for video in videos})
            return len(hashes) == len(KINDS)

        until(found)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield House(server.address, browser, hashes)
        browser.close()
