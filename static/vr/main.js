// The buttons of a watch page whose film is not flat: step into it with a headset, or look around in it here.
import { lookAround } from "./bar.js";
import { Film } from "./film.js";
import { enter } from "./visit.js";

const byId = (id) => document.getElementById(id);
const player = byId("player");
const [step, around, note] = ["vr-enter", "vr-look", "vr-note"].map(byId);
const tell = (words) => { note.textContent = words; };

async function offer() {
  step.hidden = !(await navigator.xr?.isSessionSupported("immersive-vr").catch(() => false));
}

async function stepIn() {
  tell("");
  try {
    await enter(new Film(document, location.href), player);
  } catch (error) {
    player.pause();
    tell(`The headset cannot show this film now: ${error.message}`);
  }
}

function look() {
  try {
    lookAround(new Film(document, location.href), player, () => { around.hidden = false; around.focus(); });
    around.hidden = true;
  } catch {
    tell("This browser cannot look around in films: it has no WebGL2.");
  }
}

if (player) {
  player.parentElement.append(byId("look"));
  around.hidden = false;
  around.addEventListener("click", look);
  step.addEventListener("click", stepIn);
  navigator.xr?.addEventListener("devicechange", offer);
  offer();
  // A headset may play what most browsers cannot.
  player.addEventListener("playing", () => { byId("playback-trouble")?.setAttribute("hidden", ""); });
}
