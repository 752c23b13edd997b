"""Films that are not flat, in an emulated headset and by looking around on a flat screen."""

import gzip
import hashlib
import math
import time
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, Route, expect
from support import loopback
from support.chromium import CHROMIUM
from support.headset import IWER, LAYERS, NOW, SMALL, Headset
from support.spheres import RIGHT_BLUE, SphereFilm, degrees
from support.vr_house import FILMS, ORDINARY, House, vr_house

from lvs.paths import static_folder
from lvs.routes.hooks.compression import minified

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine; Debian's package is called chromium"
)
BUDGET_BYTES = 12 * 1024
VENDORED = {
    IWER: "23d8640949f19db4b1e70398b30e084e4aa555f3a81e4329da3fac1a70b39542",
    LAYERS: "89ade9e1e8236904282078a02390d49be5052f5b7779321e654d23f3e107d72d",
}
POINTS = [(0.5, 0.5), (0.2, 0.3), (0.8, 0.3), (0.2, 0.75), (0.8, 0.75), (0.5, 0.1), (0.05, 0.5)]
"""Places in an eye's view, from left and top."""
HEADS = [(0, 0, 0), (70, 25, 20), (-130, -40, 0)]
"""Yaw to the left, pitch up and roll of the head, in degrees."""
WORST_DEGREES = 5
READ = """async (points) => {
  const gl = quest.appCanvas.getContext('webgl2');
  const {drawingBufferWidth: w, drawingBufferHeight: h} = gl;
  return new Promise((resolve) => quest.activeSession.requestAnimationFrame(() => {
    const seen = [];
    for (const start of [0, w / 2]) for (const [x, y] of points) {
      const colour = new Uint8Array(4);
      const place = [start + Math.floor(x * w / 2), h - 1 - Math.floor(y * h)];
      gl.readPixels(...place, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, colour);
      seen.push([...colour.slice(0, 3)]);
    }
    resolve(seen);
  }));
}"""
ALPS, BAY, CAVE, DIVE, EAST = list(FILMS)[:5]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with vr_house(tmp_path_factory.mktemp("house")) as running:
        running.tag(ALPS, "alps", "snow")
        running.tag(BAY, "beach")
        running.tag(EAST, "snow")  # stays known when it is taken off another film
        yield running


@pytest.fixture
def page(house: House) -> Iterator[Page]:
    with house.page() as each:
        yield each


def turned(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """The head's rotation as a matrix: by yaw, then pitch, then roll."""
    (sy, cy), (sp, cp), (sr, cr) = (
        (math.sin(angle), math.cos(angle)) for angle in map(math.radians, (yaw, pitch, roll))
    )
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    product: NDArray[np.float64] = about_y @ about_x @ about_z
    return product


def apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The angle between two directions that are given by yaw and pitch, all in degrees."""
    a, b = (
        np.array([math.sin(y) * math.cos(p), math.sin(p), math.cos(y) * math.cos(p)])
        for y, p in (map(math.radians, pair) for pair in (one, other))
    )
    return math.degrees(math.acos(np.clip(a @ b, -1, 1)))


def test_the_emulators_are_the_published_ones() -> None:
    for path, digest in VENDORED.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digest


def test_the_modules_are_small() -> None:
    modules = list((static_folder() / "vr").glob("*.js"))
    assert "visit.js" in [path.name for path in modules]
    sent = [gzip.compress(minified(path.read_bytes(), "text/javascript"), 9) for path in modules]
    assert sum(map(len, sent)) <= BUDGET_BYTES


def test_modules_are_asked_for_again_and_only_by_films_that_are_not_flat(house: House) -> None:
    assert "vr/main.js" in loopback.get(house.address + house.watch(ALPS)).text
    assert "vr/" not in loopback.get(house.address + house.watch(ORDINARY)).text
    answer = loopback.get(f"{house.address}/static/vr/visit.js")
    assert answer.headers["Cache-Control"] == "no-cache"
    etag = {"If-None-Match": answer.headers["ETag"]}
    assert loopback.get(f"{house.address}/static/vr/visit.js", headers=etag).status_code == 304


@pytest.mark.parametrize("name", [name for name, film in FILMS.items() if film.shape != "flat"])
def test_every_direction_shows_its_point_to_its_eye(house: House, page: Page, name: str) -> None:
    film = FILMS[name]
    headset = Headset(page)
    headset.enter(house.watch(name))
    headset.hide_panel()
    for head in HEADS:
        headset.turn_head(*head)
        seen = page.evaluate(READ, POINTS)
        shows_its_points(film, head, seen)


def shows_its_points(
    film: SphereFilm, head: tuple[float, float, float], seen: Sequence[Sequence[int]]
) -> None:
    """Compare the colours at POINTS, of the left eye and then of the right one, with the film."""
    places = [(eye, x, y) for eye in ("left", "right") for x, y in POINTS]
    for (eye, x, y), colour in zip(places, seen, strict=True):
        way = turned(*head) @ np.array([2 * x - 1, 1 - 2 * y, -1])
        expected = film.expected(way / np.linalg.norm(way), eye)
        where = f"{eye} eye at {x}, {y} with the head at {head}: {colour}"
        if expected is None:
            assert max(colour) < 8, f"{where}, not black"
            continue
        off = apart(degrees(colour, film.shape), degrees(expected, film.shape))
        assert off < WORST_DEGREES, f"{where} is {off:.1f} degrees off"
        assert abs(colour[2] - expected[2]) < 30, f"{where} is the other eye's"


def test_a_flat_film_in_3d_is_a_screen_ahead_with_an_eye_on_each_half(
    house: House, page: Page
) -> None:
    headset = Headset(page)
    headset.enter(house.watch("hall_SBS.mp4"))
    headset.hide_panel()
    left, _, right, beyond = page.evaluate(READ, [(0.5, 0.5), (0.02, 0.5)])
    assert max(beyond) < 8
    assert abs(right[2] - left[2]) > 100
    assert abs(right[2] - RIGHT_BLUE) < 30


@pytest.mark.parametrize("hand", [False, True], ids=["controller", "hand"])
def test_a_film_is_rated_inside_vr_and_the_next_one_too(house: House, hand: bool) -> None:
    """All of it while the page stands still, as it does in a headset's browser."""
    first, second = (CAVE, DIVE) if hand else (ALPS, BAY)
    views = house.told(second, "/views")["views"]
    with house.page(viewport=SMALL) as page:
        headset = Headset(page, still=True)
        headset.enter(house.watch(first))
        headset.hold()
        if hand:
            headset.use_hand()
        headset.press("rate", 4)
        headset.press("like")
        headset.press("tag", "snow")
        headset.wait(lambda state: state["stars"] == 4 and state["favorite"])
        headset.told(lambda: house.stars(first), 4)
        headset.told(lambda: house.told(first, "/favorite")["favorite"], True)
        snow = first != ALPS  # it was on the one and not on the other
        headset.told(lambda: "snow" in house.told(first, "/tags")["tags"], snow)
        headset.press("go", "next")
        headset.wait(lambda state: state["ready"] and house.hashes[second] == state["hash"])
        headset.hold()
        headset.press("rate", 2)
        headset.told(lambda: house.stars(second), 2)
        headset.press("rate", 2)
        headset.told(lambda: house.stars(second), None)
        headset.press("rate", 2)
        headset.told(lambda: house.stars(second), 2)
        assert house.told(second, "/views")["views"] == views + 1
        headset.press_leave()
        page.wait_for_url(f"**{house.watch(second)}")
        star = page.locator(".watch .rating").get_by_role("button", name="2 stars")
        expect(star).to_have_attribute("aria-pressed", "true")


def test_a_film_entered_in_vr_keeps_its_position_and_goes_on_there(house: House) -> None:
    with house.page(viewport=SMALL) as page:
        headset = Headset(page)
        headset.enter(house.watch(ALPS))
        headset.hold()
        headset.press("go", "next")
        headset.wait(lambda state: house.hashes[BAY] == state["hash"] and state["time"] > 2)
        headset.hold()
        at = headset.state["time"]
        headset.told(lambda: house.told(BAY)["position_s"], pytest.approx(at, abs=0.5))
    with house.page(viewport=SMALL) as page:
        headset = Headset(page)
        headset.enter(house.watch(BAY))
        assert headset.state["time"] >= at - 0.5


def test_the_time_line_shows_scenes_and_leads_to_them(house: House, page: Page) -> None:
    page.goto(house.watch(EAST))
    expect(page.locator("#scenes a")).not_to_have_count(0, timeout=60_000)
    headset = Headset(page)
    headset.enter(house.watch(EAST))
    headset.hold()
    page.wait_for_function(f"""async () => {{
        const {{scenes}} = {NOW}.film;
        return scenes.length > 1 && scenes.every(({{sheet}}) => sheet.complete);
    }}""")
    drawn = f"""async () => {{
        const {{canvas, items}} = {NOW}.panel;
        const [x, y, w] = items.find(({{name}}) => name === "seek").box;
        const scale = canvas.width / {NOW}.panel.width;
        const place = [x + w / 2, y - 100, 8, 8].map((each) => each * scale);
        return [...canvas.getContext("2d").getImageData(...place).data].slice(0, 3);
    }}"""
    panel = page.evaluate(drawn)
    headset.aim("seek")
    headset.frames(4)
    assert page.evaluate(drawn) != panel
    headset.pull()
    headset.wait(lambda state: abs(state["time"] - 30) < 3)


def test_a_press_beside_the_panel_hides_it_and_sends_nothing(house: House, page: Page) -> None:
    sent: list[str] = []
    headset = Headset(page)
    headset.enter(house.watch(EAST))
    headset.hold()
    page.on("request", lambda request: sent.append(request.url) if "/api/" in request.url else None)
    headset.aim_at(0, 5, -1)
    headset.pull()
    assert not headset.state["shown"]
    headset.pull()
    assert headset.state["shown"]
    assert sent == []


def test_words_of_regret_follow_a_press_that_was_not_kept(house: House, page: Page) -> None:
    headset = Headset(page)
    headset.enter(house.watch(EAST))
    headset.hold()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/ratings/**", hold)
    headset.press("rate", 3)
    assert headset.state["stars"] == 3  # before any answer
    headset.told(lambda: len(held), 1)
    held[0].abort()
    state = headset.wait(lambda state: state["stars"] == 0)
    assert state["notice"] == "Not saved. LVS does not answer."
    assert house.stars(EAST) is None


def test_the_shape_is_overruled_in_the_headset_and_taken_back(house: House, page: Page) -> None:
    headset = Headset(page)
    headset.enter(house.watch(EAST))
    headset.hold()
    headset.press("turn", "shape")
    headset.press("stereo", "tb")
    headset.press("shape", "equirect180")
    headset.told(lambda: house.told(EAST)["projection"]["shape"], "equirect180")
    assert house.told(EAST)["projection"]["stereo"] == "tb"
    assert headset.state["projection"]["shape"] == "equirect180"
    headset.press("found")
    state = headset.wait(lambda state: state["projection"]["shape"] == "equirect360")
    assert (state["projection"]["stereo"], state["projection"]["source"]) == ("mono", "name")


def test_the_film_waits_while_the_headset_is_off_and_buttons_and_stick_work(
    house: House, page: Page
) -> None:
    headset = Headset(page)
    headset.enter(house.watch(EAST))
    page.evaluate("quest.updateVisibilityState('hidden')")
    headset.wait(lambda state: state["paused"])
    page.evaluate("quest.updateVisibilityState('visible')")
    headset.button("a-button")
    headset.wait(lambda state: not state["paused"])
    headset.button("a-button")
    at = headset.wait(lambda state: state["paused"])["time"]
    headset.stick(1)
    assert headset.state["time"] == pytest.approx(at + 10, abs=0.5)
    shown = headset.state["shown"]
    headset.button("b-button")
    assert headset.state["shown"] != shown


def test_one_without_hands_presses_by_looking(house: House, page: Page) -> None:
    headset = Headset(page)
    headset.enter(house.watch(EAST))
    headset.hold()
    for device in ("controller-left", "controller-right"):
        headset.dispatch("set_connected", device=device, connected=False)
    headset.hand = "headset"
    headset.aim("like")
    headset.wait(lambda state: state["favorite"])
    headset.told(lambda: house.told(EAST, "/favorite")["favorite"], True)


def test_recentring_makes_the_direction_of_the_panel_the_front(house: House, page: Page) -> None:
    headset = Headset(page)
    headset.enter(house.watch(EAST))
    headset.hide_panel()
    headset.turn_head(60, 0)
    headset.show_panel()
    headset.press("recentre")
    headset.hide_panel()
    headset.turn_head(60, 0)
    left = page.evaluate(READ, [(0.5, 0.5)])[0]
    assert apart(degrees(left, "equirect360"), (0, 0)) < WORST_DEGREES


@pytest.mark.parametrize("name", [ALPS, CAVE, DIVE, EAST])
def test_a_media_layer_shows_every_direction_below_the_panel(
    house: House, page: Page, name: str
) -> None:
    """The system draws the film: what is seen of both is on the screen alone."""
    headset = Headset(page, layers=True)
    headset.enter(house.watch(name))
    headset.hold()  # a film that ends leads to the next one
    assert headset.state["layered"]
    # In a headset there is black where no layer is; here the page would shine through.
    page.evaluate("() => { quest.appCanvas.parentElement.style.background = 'black'; }")
    for head in HEADS:
        headset.hide_panel()
        headset.turn_head(*head)
        shows_its_points(FILMS[name], head, on_screen(page))
    headset.show_panel()
    stars = 1 + (house.stars(name) or 0) % 5
    headset.press("rate", stars)
    headset.told(lambda: house.stars(name), stars)


def on_screen(page: Page) -> list[tuple[int, ...]]:
    """Colours of both eyes' views at POINTS, out of a picture of the window."""
    shot = Image.open(BytesIO(page.screenshot())).convert("RGB")
    half = shot.width / 2
    return [
        cast("tuple[int, ...]", shot.getpixel((int(start + x * half), int(y * shot.height))))
        for start in (0, half)
        for x, y in POINTS
    ]


def test_a_film_whose_eyes_are_swapped_is_in_no_media_layer(house: House) -> None:
    """A layer cannot swap eyes: the shader does."""
    with house.page(viewport=SMALL) as page:
        headset = Headset(page, layers=True)
        headset.enter(house.watch(BAY))
        assert not headset.state["layered"]


def test_looking_around_on_a_flat_screen(house: House) -> None:
    with house.page(viewport={"width": 1000, "height": 900}) as page:
        page.goto(house.watch(EAST))
        expect(page.locator("#vr-enter")).to_be_hidden()
        page.locator("#vr-look").click()
        canvas = page.locator("#vr-canvas")
        box = canvas.bounding_box()
        assert box
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        look = Looking(page)
        assert look.yaw_and_pitch() == pytest.approx((0, 0), abs=WORST_DEGREES)
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowUp")
        assert look.yaw_and_pitch() == pytest.approx((5, 5), abs=WORST_DEGREES)
        page.mouse.move(*middle)
        page.mouse.down()
        page.mouse.move(middle[0] - box["height"] / 2, middle[1], steps=3)
        page.mouse.up()
        assert look.yaw_and_pitch() == pytest.approx((45, 5), abs=WORST_DEGREES)
        page.mouse.wheel(0, -400)
        page.mouse.dblclick(*middle)
        assert look.yaw_and_pitch() == pytest.approx((0, 0), abs=WORST_DEGREES)
        page.locator("#vr-look").click()
        expect(canvas).to_be_hidden()


PHONE = {"viewport": {"width": 500, "height": 900}, "has_touch": True, "is_mobile": True}


def test_two_fingers_come_closer_and_one_turns(house: House) -> None:
    with house.page(**PHONE) as page:
        page.goto(house.watch(EAST))
        page.locator("#vr-look").tap()
        look = Looking(page)
        assert look.height_in_view() == pytest.approx(80, abs=WORST_DEGREES)
        box = page.locator("#vr-canvas").bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        fingers = Fingers(page)
        fingers.move((x - 40, y), (x + 40, y))
        fingers.move((x - 60, y), (x + 60, y))
        fingers.move((x - 80, y), (x + 80, y))
        assert look.height_in_view() == pytest.approx(40, abs=WORST_DEGREES)
        assert look.yaw_and_pitch() == pytest.approx((0, 0), abs=WORST_DEGREES)
        assert page.evaluate("() => visualViewport.scale") == 1  # the page itself stays as it is
        fingers.lift()
        fingers.move((x - 80, y))
        fingers.move((x - 80 + box["height"] / 2, y))
        assert look.yaw_and_pitch() == pytest.approx((-20, 0), abs=WORST_DEGREES)
        fingers.lift()
        assert look.height_in_view() == pytest.approx(40, abs=WORST_DEGREES)


def test_the_view_turns_with_the_device(house: House) -> None:
    """The switch is there where one touches, on a page that counts as secure."""
    with house.page(viewport=PHONE["viewport"]) as page:
        page.goto(house.watch(EAST))
        page.locator("#vr-look").click()
        expect(page.locator("#vr-turn")).to_be_hidden()
    with house.page(**PHONE) as page:
        # Allowed on a phone; a browser without a window has to be told.
        page.context.grant_permissions(["accelerometer", "gyroscope"])
        device = page.context.new_cdp_session(page)

        def hold(alpha: float, beta: float = 90, gamma: float = 0) -> None:
            place = {"alpha": alpha, "beta": beta, "gamma": gamma}
            device.send("DeviceOrientation.setDeviceOrientationOverride", place)

        page.goto(house.watch(EAST))
        page.locator("#vr-look").tap()
        page.locator("#vr-turn").tap()
        expect(page.locator("#vr-turn")).to_have_attribute("aria-pressed", "true")
        hold(200)
        look = Looking(page)
        assert look.yaw_and_pitch() == pytest.approx((0, 0), abs=WORST_DEGREES)
        hold(230)  # to the left, and the front stays where it was at first
        assert look.yaw_and_pitch() == pytest.approx((-30, 0), abs=WORST_DEGREES)
        hold(230, 110)
        assert look.yaw_and_pitch() == pytest.approx((-30, 20), abs=WORST_DEGREES)
        page.locator("#vr-turn").tap()
        expect(page.locator("#vr-turn")).to_have_attribute("aria-pressed", "false")
        hold(290)
        assert look.yaw_and_pitch() == pytest.approx((0, 0), abs=WORST_DEGREES)


class Fingers:
    """Fingers on a page that is touched."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        self._down = False

    def move(self, *places: tuple[float, float]) -> None:
        """Put the fingers on these places, or move them there."""
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        self._send("touchMove" if self._down else "touchStart", points)
        self._down = True

    def lift(self) -> None:
        """Lift all of them."""
        self._send("touchEnd", [])
        self._down = False

    def _send(self, kind: str, points: list[dict[str, float]]) -> None:
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


class Looking:
    """The canvas on which one looks around."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def yaw_and_pitch(self) -> tuple[float, float]:
        """The direction in the middle of the canvas, once it stands still."""
        return degrees(self._steady(0.5), "equirect360")

    def height_in_view(self) -> float:
        """The angle from the upper edge of the canvas to the lower one, seen straight ahead."""
        quarter = math.radians(degrees(self._steady(0.25), "equirect360")[1])
        return 2 * math.degrees(math.atan(2 * math.tan(quarter)))

    def _steady(self, down: float) -> list[int]:
        """The colour there once it does not change."""
        end, before = time.monotonic() + 30, [0, 0, 0]
        while time.monotonic() < end:
            colour = self._colour(down)
            if colour == before and max(colour) > 0:
                return colour
            before = colour
            time.sleep(0.3)
        raise AssertionError("the canvas never stood still")

    def _colour(self, down: float) -> list[int]:
        """The colour on the screen in the middle of the canvas, so far down from its top."""
        shot = Image.open(BytesIO(self._page.locator("#vr-canvas").screenshot())).convert("RGB")
        place = (shot.width // 2, int(shot.height * down))
        return list(cast("tuple[int, ...]", shot.getpixel(place)))


def test_the_plain_player_is_there_without_script(house: House) -> None:
    with house.page(java_script_enabled=False) as page:
        page.goto(house.watch(ALPS))
        expect(page.locator("#player")).to_be_visible()
        expect(page.locator("#vr-enter")).to_be_hidden()
        expect(page.locator("#vr-look")).to_be_hidden()
