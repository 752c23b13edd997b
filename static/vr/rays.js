// Who points where: controllers, hands, or the head where there is neither. Presses, sticks and buttons.
import { Panel } from "./panel.js";
import { rayOf } from "./space.js";

const DWELL_MS = 1500; // looking at a target for so long presses it
const DOWN = -0.45; // looking down as far as this shows the panel to one without hands
const STIR = 0.004; // a ray that moves less than this part of the panel rests
const STICK = 0.7;
const REPEAT_MS = 500;
const REACH_M = 3;

export class Rays {
  #presses = new Map();
  #pads = new Map();
  #gaze = { name: null, since: 0 };
  #marks = [];
  #rest = "";

  constructor(visit) {
    this.visit = visit;
    const { session } = visit;
    session.addEventListener("selectstart", ({ inputSource, frame }) => this.#press(inputSource, frame));
    session.addEventListener("select", ({ inputSource }) => this.#act(inputSource));
    session.addEventListener("selectend", ({ inputSource }) => this.#letGo(inputSource));
  }

  /** See where everything points in this frame. */
  follow(frame, pose, now) {
    const { visit } = this;
    const sources = [...visit.session.inputSources].filter((source) => source.targetRayMode === "tracked-pointer");
    this.#marks = sources.map((source) => this.#aim(source, frame)).filter(Boolean);
    if (sources.length === 0) this.#look(rayOf(pose.transform), now);
    for (const source of sources) this.#pad(source, now);
    this.#light(now);
  }

  draw(surface) {
    for (const { ray, hit, filled } of this.#marks) {
      if (filled === undefined) surface.beam(ray, hit ? hit.metres : REACH_M);
      if (hit) surface.dot(hit.point, filled);
    }
  }

  #aim(source, frame) {
    const pose = frame.getPose(source.targetRaySpace, this.visit.space);
    const ray = pose && rayOf(pose.transform);
    return ray && { source, ray, hit: this.visit.hit(ray) };
  }

  /** One without controllers and hands chooses by looking. */
  #look(ray, now) {
    const { visit } = this;
    const hit = visit.hit(ray);
    const name = visit.shown ? hit?.target?.name ?? null : ray.way[1] < DOWN ? "panel" : null;
    if (name !== this.#gaze.name) this.#gaze = { name, since: now };
    const filled = name && !this.#gaze.done ? (now - this.#gaze.since) / DWELL_MS : 0;
    this.#marks = [{ ray, hit, filled: Math.min(1, filled) }];
    if (filled < 1) return;
    this.#gaze.done = true;
    if (visit.shown) visit.act(hit.target);
    else visit.toggle();
  }

  /** Light what is pointed at, and keep the panel while a ray stirs on it. */
  #light(now) {
    const { panel } = this.visit;
    const hits = this.#marks.map(({ hit }) => hit).filter(Boolean);
    const names = hits.map(({ target }) => target?.name).filter(Boolean);
    const line = hits.find(({ target }) => target?.name === "line") ?? (panel.held.has("line") ? hits[0] : null);
    const scrub = line ? Panel.alongLine(line.u) : null;
    const rest = hits.map(({ u, v }) => `${Math.round(u / STIR)} ${Math.round(v / STIR)}`).join();
    if (rest !== this.#rest && rest) this.visit.stir(now);
    this.#rest = rest;
    if (scrub === panel.scrub && names.length === panel.lit.size && names.every((name) => panel.lit.has(name))) return;
    for (const { source, hit } of this.#marks) {
      if (source && hit?.target && !panel.lit.has(hit.target.name)) source.gamepad?.hapticActuators?.[0]?.pulse?.(0.2, 12);
    }
    panel.lit = new Set(names);
    panel.scrub = scrub;
    this.visit.stale = true;
  }

  #press(source, frame) {
    const hit = this.#aim(source, frame)?.hit ?? null;
    this.#presses.set(source, hit);
    if (hit?.target?.name === "line") this.visit.panel.scrub = Panel.alongLine(hit.u);
    this.#hold();
  }

  /** What counts is where the press began. */
  #act(source) {
    const hit = this.#presses.get(source);
    if (!this.visit.shown || !hit) this.visit.toggle();
    else if (hit.target) this.visit.act(hit.target);
  }

  #letGo(source) {
    this.#presses.delete(source);
    this.#hold();
  }

  #hold() {
    this.visit.panel.held = new Set([...this.#presses.values()].map((hit) => hit?.target?.name).filter(Boolean));
    this.visit.stale = true;
  }

  /** Stick to the side: 10 seconds. A or X: play or pause. B or Y: the panel. */
  #pad(source, now) {
    const pad = source.gamepad;
    if (pad?.mapping !== "xr-standard") return;
    const { visit } = this;
    const before = this.#pads.get(source) ?? { again: 0 };
    const [a, b] = [pad.buttons[4]?.pressed, pad.buttons[5]?.pressed];
    const tilt = pad.axes[2] ?? 0;
    const side = Math.abs(tilt) > STICK ? Math.sign(tilt) : 0;
    if (a && !before.a) visit.play();
    if (b && !before.b) visit.toggle();
    const due = side && (side !== before.side || now > before.again);
    if (due) visit.skip(10 * side);
    this.#pads.set(source, { a, b, side, again: due ? now + REPEAT_MS : before.again });
  }
}
