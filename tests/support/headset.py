"""An emulated headset in Chromium, and what a person does in it.

The emulator is the Immersive Web Emulation Runtime (`tests/vendor/iwer-2.5.0.min.js`, MIT). It
draws both eyes beside each other on a canvas over the page.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

VENDOR = Path(__file__).parents[1] / "vendor"
IWER = VENDOR / "iwer-2.5.0.min.js"
LAYERS = VENDOR / "webxr-layers-polyfill-1.1.0.min.js"
FLAGS = (
    "--no-sandbox --use-gl=angle --use-angle=swiftshader --enable-unsafe-swiftshader "
    "--ignore-gpu-blocklist --disable-quic --no-first-run --disable-background-networking "
    "--disable-gpu-compositing --disable-gpu-rasterization "
    "--disable-component-update --disable-sync --autoplay-policy=no-user-gesture-required"
)
BOTH_EYES = {"width": 600, "height": 300}
"""A window whose halves are the two eyes' views, 90 degrees wide and high."""
SMALL = {"width": 320, "height": 160}
"""The same for what is pressed and not measured: a quarter of the work for the processor."""
PATIENCE_S = 60
BUTTONS = {"a-button": 3, "b-button": 4}

# Fewer frames than a headset has: each takes the processor what a graphics chip does there.
INSTALL = """
const ours = window.requestAnimationFrame.bind(window);
const ofEmulator = (react) => /onDeviceFrame/.test(String(react));
window.requestAnimationFrame = (react) =>
  ofEmulator(react) ? setTimeout(() => ours(react), 40) : window.still ? 0 : ours(react);
const options = {ipd: .063, fovy: Math.PI / 2, stereoEnabled: true};
window.quest = new IWER.XRDevice(IWER.metaQuest3, options);
quest.installRuntime({forceInstall: true});
"""
INSTALL_LAYERS = """
delete window.XRMediaBinding;
delete window.XRWebGLBinding;
new WebXRLayersPolyfill();
"""
POINT_OF = """async ({name, value}) => {
  const {visit} = (await import('/static/vr/visit.js')).now;
  const found = (one) => one.name === name && (value === null || one.value === value);
  for (let at = 0; !(visit.place && visit.panel.targets.find(found)) && at < 500; at += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const {box: [x, y, w, h]} = visit.panel.targets.find(found);
  const [u, v] = [(x + w / 2) / visit.panel.width, (y + h / 2) / visit.panel.height];
  const {x: X, y: Y, z: Z} = visit.place.transformPoint({x: u - .5, y: .5 - v, z: 0});
  return {x: X, y: Y, z: Z};
}"""
NOW = "(await import('/static/vr/visit.js')).now.visit"
GONE = f"""async () => {{
  const visit = {NOW};
  while (visit.place) await new Promise((resolve) => visit.session.requestAnimationFrame(resolve));
}}"""
FRAMES = """async (count) => {
  const {session} = (await import('/static/vr/visit.js')).now.visit;
  for (let at = 0; at < count; at += 1) {
    await new Promise((resolve) => session.requestAnimationFrame(resolve));
  }
}"""
# The polyfill of media layers calls one function for each frame, the page's own.
FRAMES_OF_VISIT = f"""async (count) => {{
  const visit = {NOW};
  for (let at = visit.time; count > 0; count -= 1) {{
    while (visit.time === at) await new Promise((resolve) => setTimeout(resolve, 5));
    at = visit.time;
  }}
}}"""
GONE_OF_VISIT = f"""async () => {{
  const visit = {NOW};
  while (visit.place) await new Promise((resolve) => setTimeout(resolve, 5));
}}"""
STATE = """async () => {
  const {visit} = (await import('/static/vr/visit.js')).now;
  if (!visit?.film) return null;
  const {film, panel, shown, dark, dimmed, video, layer} = visit;
  const {hash, title, stars, favorite, tags, projection, url} = film;
  const notice = panel.notice || null;
  const ready = video.readyState > 2 && !dark && dimmed === 0;
  const names = panel.targets.map((one) => one.value ? `${one.name} ${one.value}` : one.name);
  return {hash, title, stars, favorite, tags, projection, url, notice, shown, ready, names,
    paused: video.paused, time: video.currentTime, page: panel.page, layered: Boolean(layer)};
}"""


class Headset:
    """The headset of one page. `hand` is the device that points: a controller or a hand.

    With `still` the page gets no more frames once the film was entered, as in a headset's browser.
    """

    def __init__(self, page: Page, *, layers: bool = False, still: bool = False) -> None:
        self.page = page
        self.hand = "controller-right"
        page.add_init_script(path=IWER)
        if layers:
            page.add_init_script(path=LAYERS)
        page.add_init_script(script=INSTALL + (INSTALL_LAYERS if layers else ""))
        self._still = still
        self._frames, self._gone = (FRAMES_OF_VISIT, GONE_OF_VISIT) if layers else (FRAMES, GONE)

    def enter(self, address: str) -> None:
        """Open the watch page and step into its film."""
        self.page.goto(address)
        self.page.locator("#vr-enter").click()
        self.wait(lambda state: state is not None and state["ready"])
        if self._still:
            self.page.evaluate("() => { window.still = true; }")

    def hold(self) -> None:
        """Pause the film, so that the panel stays."""
        self.page.evaluate(f"async () => {{ {NOW}.video.pause(); }}")
        self.wait(lambda state: state["paused"] and state["shown"] and state["names"])

    @property
    def state(self) -> dict[str, Any]:
        """The state of the visit now; None while there is no visit."""
        state: dict[str, Any] = self.page.evaluate(STATE)
        return state

    def wait(self, true: Any) -> dict[str, Any]:
        """The first state of which `true` holds."""
        end = time.monotonic() + PATIENCE_S
        while not true(state := self.state):
            assert time.monotonic() < end, f"waited too long: {state}"
            self.page.wait_for_timeout(50)
        return state

    def frames(self, count: int = 2) -> None:
        """Let the headset show so many frames."""
        self.page.evaluate(self._frames, count)

    def dispatch(self, method: str, **parameters: Any) -> None:
        """Do something to the emulated device."""
        self.page.evaluate("([m, p]) => quest.remote.dispatch(m, p)", [method, parameters])

    def turn_head(self, yaw: float, pitch: float, roll: float = 0) -> None:
        """Turn the head by degrees: to the left, up, and over the left shoulder."""
        orientation = {"yaw": yaw, "pitch": pitch, "roll": roll}
        self.dispatch("set_transform", device="headset", orientation=orientation)
        self.frames()

    def use_hand(self) -> None:
        """Put the controllers away and point with the right hand."""
        self.dispatch("set_input_mode", mode="hand")
        self.hand = "hand-right"
        self.frames()

    def aim(self, name: str, value: Any = None) -> None:
        """Point at a button of the panel."""
        point = self.page.evaluate(POINT_OF, {"name": name, "value": value})
        self.dispatch("look_at", device=self.hand, target=point)
        self.frames()

    def pull(self) -> None:
        """Pull the trigger, or pinch, where one points."""
        for value in (1, 0):
            self.dispatch("set_select_value", device=self.hand, value=value)
            self.frames()

    def press(self, name: str, value: Any = None) -> None:
        """Press a button of the panel."""
        self.aim(name, value)
        self.pull()

    def press_leave(self) -> None:
        """Press the button that ends the visit, and with it the frames to wait for."""
        self.aim("leave")
        pull = {"device": self.hand, "value": 1}
        self.page.evaluate("(pull) => { quest.remote.dispatch('set_select_value', pull); }", pull)

    def aim_at(self, x: float, y: float, z: float) -> None:
        """Point at a place in the room, in metres from where one started."""
        self.dispatch("look_at", device=self.hand, target={"x": x, "y": y, "z": z})
        self.frames()

    def button(self, name: str) -> None:
        """Press and let go a button of the controller."""
        for value in (1, 0):
            buttons = [{"index": BUTTONS[name], "value": value}]
            self.dispatch("set_gamepad_state", device=self.hand, buttons=buttons)
            self.frames()

    def stick(self, side: float) -> None:
        """Tilt the stick to a side and let it go."""
        for value in (side, 0):
            axes = [{"index": 0, "value": value}]
            self.dispatch("set_gamepad_state", device=self.hand, axes=axes)
            self.frames(1)

    def hide_panel(self) -> None:
        """Have the panel away, and its last frame too."""
        self.page.evaluate(f"async () => {{ {NOW}.shown = false; }}")
        self.page.evaluate(self._gone)

    def show_panel(self) -> None:
        """Bring the panel before where one looks now."""
        self.page.evaluate(f"async () => {{ {NOW}.toggle(); }}")
        self.hold()

    def told(self, ask: Callable[[], Any], expected: Any) -> None:
        """Wait until the server, or whatever `ask` asks, says so."""
        end = time.monotonic() + PATIENCE_S
        while (said := ask()) != expected:
            assert time.monotonic() < end, f"{said!r}, not {expected!r}; {self.state}"
            self.page.wait_for_timeout(50)
