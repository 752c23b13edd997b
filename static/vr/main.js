// The buttons of a watch page whose film is not flat: step into it with a headset, or look around in it here.
import { Film } from "./film.js";
import { Look } from "./look.js";
import { enter } from "./visit.js";

const [player, step, around, turning, whole, note] = ["player", "vr-enter", "vr-look", "vr-turn", "vr-whole", "vr-note"]
  .map((id) => document.getElementById(id));
const stage = player?.parentElement;
const press = (button, on) => { button.setAttribute("aria-pressed", on); return on; };
const pressed = (button) => button.getAttribute("aria-pressed") === "true";
const here = () => new Film(document, location.href);
let look = null;

async function offer() {
  step.hidden = !(await navigator.xr?.isSessionSupported("immersive-vr").catch(() => false));
}

async function stepIn() {
  note.textContent = "";
  try {
    await enter(here(), player);
  } catch (error) {
    player.pause();
    note.textContent = `The headset cannot show this film now: ${error.message}`;
  }
}

function lookAround() {
  const on = press(around, !pressed(around));
  stage.classList.toggle("looking", on);
  stage.querySelector("canvas")?.remove();
  turning.hidden = !on || !isSecureContext || !window.DeviceOrientationEvent || !matchMedia("(any-pointer: coarse)").matches;
  whole.hidden = !on || !stage.requestFullscreen;
  press(turning, false);
  if (!on) return;
  const canvas = Object.assign(document.createElement("canvas"), { tabIndex: 0 });
  canvas.setAttribute("aria-label", "The film around you: drag it, or use the arrow keys");
  stage.append(canvas);
  try {
    look = new Look(here(), player, canvas);
    canvas.focus();
  } catch {
    lookAround();
    note.textContent = "This browser cannot look around in films: it has no WebGL2.";
  }
}

if (player) {
  around.hidden = false;
  around.addEventListener("click", lookAround);
  turning.addEventListener("click", async () => press(turning, await look.follow(!pressed(turning))));
  whole.addEventListener("click", () => stage.requestFullscreen());
  step.addEventListener("click", stepIn);
  navigator.xr?.addEventListener("devicechange", offer);
  offer();
  // A headset may play what most browsers cannot.
  player.addEventListener("playing", () => document.getElementById("playback-trouble")?.setAttribute("hidden", ""));
}
