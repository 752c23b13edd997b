// The player's buttons while one looks around: play, position, straight ahead, the device's turning, whole screen, back.
import { Look } from "./look.js";
import { clock } from "./panel.js";

const byId = (id) => document.getElementById(id);

/** Look around in the film until the person has enough of it; `closed` is called then. Throws where there is no WebGL2. */
export function lookAround(film, video, closed) {
  const stage = byId("look");
  const canvas = stage.appendChild(Object.assign(document.createElement("canvas"), { tabIndex: 0 }));
  canvas.setAttribute("aria-label", "The film around you. Drag, or use the arrow keys, to look around.");
  const look = new Look(film, video, canvas);
  const ended = new AbortController();
  const on = (target, events, react) => {
    for (const event of events.split(" ")) target.addEventListener(event, react, { signal: ended.signal });
  };
  const [play, place, time, turning, whole] = ["look-play", "look-place", "look-time", "look-turn", "look-whole"].map(byId);

  const show = () => {
    play.setAttribute("aria-pressed", !video.paused);
    if (video.duration > 0) place.value = (100 * video.currentTime) / video.duration;
    time.textContent = clock(video.currentTime);
  };
  const close = () => {
    ended.abort();
    look.end();
    canvas.remove();
    stage.hidden = true;
    if (document.fullscreenElement === stage) document.exitFullscreen();
    closed();
  };
  const wholeScreen = () => (document.fullscreenElement ? document.exitFullscreen() : stage.requestFullscreen());

  on(play, "click", () => (video.paused ? video.play() : video.pause()));
  on(place, "input", () => { if (video.duration > 0) video.currentTime = (place.value / 100) * video.duration; });
  on(byId("look-ahead"), "click", () => look.straight());
  on(turning, "click", async () => {
    turning.setAttribute("aria-pressed", await look.follow(turning.getAttribute("aria-pressed") !== "true"));
  });
  on(whole, "click", wholeScreen);
  on(byId("look-close"), "click", close);
  on(video, "play pause timeupdate durationchange", show);
  on(stage, "keydown", (event) => {
    if (event.key === "f") wholeScreen();
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
  whole.hidden = !stage.requestFullscreen;
  turning.hidden = !(isSecureContext && "DeviceOrientationEvent" in window && matchMedia("(any-pointer: coarse)").matches);
  turning.setAttribute("aria-pressed", false);
  stage.hidden = false;
  show();
  canvas.focus();
  return look;
}
