// The buttons of a film that is not flat.
import { Film } from "./film.js";
import { Look } from "./look.js";
import { enter } from "./visit.js";

const [player, step, around, turning, whole, canvas, note] = [
  "player",
  "vr-enter",
  "vr-look",
  "vr-turn",
  "vr-whole",
  "vr-canvas",
  "vr-note",
].map((id) => document.getElementById(id));
const stage = player.parentElement;
const here = () => new Film(document, location.pathname + location.search);
const press = (button, on) => button.setAttribute("aria-pressed", on);
let look = null;

async function offer() {
  step.hidden = !(await navigator.xr?.isSessionSupported("immersive-vr"));
}

step.onclick = () =>
  enter(here(), player).catch((error) => {
    player.pause();
    note.textContent = `The headset cannot show this film now: ${error.message}`;
  });

around.onclick = () => {
  const on = canvas.hidden;
  canvas.hidden = whole.hidden = !on;
  turning.hidden = !on || !isSecureContext || !matchMedia("(any-pointer: coarse)").matches;
  stage.classList.toggle("looking", on);
  press(around, on);
  if (on) look ??= new Look(here(), player, canvas);
  player.currentTime ||= 0.01; // a picture
  canvas.focus();
};

turning.onclick = async () => press(turning, await look.follow(!look.device));
whole.onclick = () => stage.requestFullscreen();
stage.append(canvas);
around.hidden = !window.WebGL2RenderingContext;
navigator.xr?.addEventListener("devicechange", offer);
offer();
player.addEventListener("playing", () =>
  document.getElementById("playback-trouble")?.setAttribute("hidden", ""),
);
