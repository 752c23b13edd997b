// A visit in VR: the session, the film around one, the panel, and the way from film to film.
import { openFilm } from "./film.js";
import { Layers } from "./layers.js";
import { HEIGHT, Panel, WIDTH } from "./panel.js";
import { Rays } from "./rays.js";
import { along, axes, dot, minus, placed, rayOf, times } from "./space.js";
import { Sphere } from "./sphere.js";
import { Surface } from "./surface.js";

const FADE_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1 : 200;
const REST_MS = 6000; // the panel hides when nobody has stirred on it for so long, while the film plays
const NOTICE_MS = 7000;
const READY_MS = 20_000;
const POSITION_MS = 15_000;
const SILENT_MS = 250; // a browser that calls back for no new picture in so long does not do so in VR
const DISTANCE_M = 1.2;
const WIDE_M = 1.2;
const HIGH_M = (WIDE_M * HEIGHT) / WIDTH;
const BELOW = 0.4; // radians from the eyes' height down to the panel's middle
const LYING = 0.6; // one who looks up or down as far as this gets the panel there

export const now = { visit: null };

const wait = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

/** Step into the film that `player` plays. To be called in a click, which a session and sound both need. */
export async function enter(film, player) {
  const asked = navigator.xr.requestSession("immersive-vr", { optionalFeatures: ["layers", "local-floor", "hand-tracking"] });
  player.play().catch(() => {});
  const session = await asked;
  try {
    now.visit = new Visit(session, film, player);
    await now.visit.begin();
  } catch (error) {
    session.end();
    throw error;
  }
}

class Visit {
  #fresh = true;
  #told = 0; // when the browser last told of a new picture
  #pictureAt = -1;
  #then = 0;
  #dimmed = 1;
  #strength = 0;
  #stirred = 0;
  #noticed = 0;
  #listening = new AbortController();

  constructor(session, film, player) {
    Object.assign(this, { session, film, player, video: player, panel: new Panel(), shown: true, place: null });
    this.stale = true;
    this.dark = false;
    this.facing = [0, 0];
    this.front = [0, 0];
    const bound = ["go", "skip", "play", "seek", "recentre"].map((name) => [name, (value) => this[name](value)]);
    this.deeds = { ...Object.fromEntries(bound), leave: () => session.end() };
  }

  async begin() {
    const gl = document.createElement("canvas").getContext("webgl2", { xrCompatible: true, antialias: false, depth: false });
    await gl.makeXRCompatible();
    this.sphere = new Sphere(gl);
    this.surface = new Surface(gl);
    this.space = await this.session.requestReferenceSpace("local");
    this.space.addEventListener("reset", () => this.#face([0, 0]));
    this.layers = new Layers(this.session, gl);
    this.rays = new Rays(this);
    this.session.addEventListener("visibilitychange", () => this.#worn());
    this.session.addEventListener("end", () => this.#leave());
    gl.canvas.addEventListener("webglcontextlost", () => this.session.end());
    this.#take(this.film, this.video);
    this.session.requestAnimationFrame(this.#tick);
  }

  // --- Each frame ---

  #tick = (time, frame) => {
    this.session.requestAnimationFrame(this.#tick);
    const pose = frame.getViewerPose(this.space);
    if (!pose) return;
    const step = Math.min(1, (time - this.#then) / FADE_MS);
    this.#then = time;
    const near = (value, aim) => value + Math.max(-step, Math.min(step, aim - value));
    this.#dimmed = near(this.#dimmed, this.dark ? 1 : 0);
    this.#strength = near(this.#strength, this.shown ? 1 : 0);
    if (this.shown && !this.place) this.#put(pose);
    if (!this.shown && !this.#strength) this.place = null;
    this.rays.follow(frame, pose, time);
    this.#tidy(time);
    this.#upload(time);
    for (const view of pose.views) this.#draw(view);
  };

  #tidy(time) {
    const { panel, video } = this;
    if (panel.notice && time > this.#noticed + NOTICE_MS) this.say(null);
    if (this.shown && !video.paused && !this.dark && time > this.#stirred + REST_MS) this.shown = false;
    if (!this.stale || !this.place) return;
    this.stale = false;
    panel.paint(this.film, video, this.deeds);
    this.surface.upload(panel.canvas);
  }

  #upload(time) {
    const { video } = this;
    if (this.layers.film || video.readyState < 2) return;
    const silent = time > this.#told + SILENT_MS && video.currentTime !== this.#pictureAt;
    if (!this.#fresh && !silent) return;
    this.#fresh = false;
    this.#pictureAt = video.currentTime;
    this.sphere.upload(video);
  }

  #draw(view) {
    const { matrix } = view.transform;
    const p = view.projectionMatrix;
    this.layers.begin(view, this.#dimmed);
    if (!this.layers.film) {
      const [x, y, z] = axes(...this.facing);
      const back = placed([x[0], y[0], z[0]], [x[1], y[1], z[1]], [x[2], y[2], z[2]], [0, 0, 0]);
      this.sphere.draw(this.film.projection, view.eye, times(back, matrix), [1 / p[0], 1 / p[5], p[8], p[9]], 1 - this.#dimmed);
    }
    if (!this.place) return;
    this.surface.begin(times(p, view.transform.inverse.matrix), [matrix[12], matrix[13], matrix[14]]);
    this.surface.panel(this.place, this.#strength);
    if (this.shown) this.rays.draw(this.surface);
  }

  // --- The panel ---

  /** Hang the panel before one, below the eyes. */
  #put(pose) {
    const { from, way } = rayOf(pose.transform);
    const pitch = Math.asin(way[1]);
    this.front = [Math.atan2(-way[0], -way[2]), Math.abs(pitch) > LYING ? pitch : 0];
    const [x, y, z] = axes(this.front[0], this.front[1] - BELOW);
    this.axes = { x, y, z, middle: along(from, z, -DISTANCE_M) };
    const nought = [0, 0, 0];
    this.place = placed(along(nought, x, WIDE_M), along(nought, y, HIGH_M), z, this.axes.middle);
    this.#stirred = this.#then;
  }

  /** Where a ray meets the panel: how far along it, from left and top, and which target lies there; null beside it. */
  hit({ from, way }) {
    if (!this.shown || !this.place) return null;
    const { x, y, z, middle } = this.axes;
    const metres = dot(minus(middle, from), z) / dot(way, z);
    if (!(metres > 0 && metres < 10)) return null;
    const point = along(from, way, metres);
    const off = minus(point, middle);
    const [u, v] = [dot(off, x) / WIDE_M + 0.5, 0.5 - dot(off, y) / HIGH_M];
    return u < 0 || u > 1 || v < 0 || v > 1 ? null : { u, v, point, metres, target: this.panel.at(u, v) };
  }

  /** Where a point of the panel is in the room. */
  pointAt(u, v) {
    const { x, y, middle } = this.axes;
    return along(along(middle, x, (u - 0.5) * WIDE_M), y, (0.5 - v) * HIGH_M);
  }

  toggle() {
    this.shown = !this.shown;
    this.panel.page = "film";
    this.stir(this.#then);
  }

  stir(time) {
    this.#stirred = time;
    this.stale = true;
  }

  /** Words on the panel for a while; `undo` is offered beside them, `calm` words are no regret. */
  say(words, { undo, calm } = {}) {
    this.panel.notice = words ? { words, undo, calm: calm || Boolean(undo) } : null;
    this.#noticed = this.#then;
    this.stale = true;
    if (words && !calm) { this.shown = true; this.stir(this.#then); }
  }

  /** Do what a target says. Stars that were taken away can be given again. */
  act(target) {
    const { film } = this;
    const { stars, projection } = film;
    target.act();
    if (stars && !film.stars) this.say("Rating removed", { undo: () => { film.rate(stars); this.say(null); } });
    if (projection !== film.projection) this.#show();
    this.stir(this.#then);
  }

  // --- The film ---

  play() {
    if (this.video.paused) this.video.play().catch(() => this.say("The film does not play here."));
    else this.video.pause();
  }

  skip(seconds) { this.#jump(this.video.currentTime + seconds); }

  seek(part) { this.#jump(part * this.video.duration); }

  #jump(second) {
    if (this.video.duration > 0) this.video.currentTime = Math.max(0, Math.min(second, this.video.duration - 0.1));
  }

  /** What lies above the panel becomes the film's front. */
  recentre() { this.#face(this.front); }

  #face(facing) {
    this.facing = facing;
    this.layers.face(facing);
  }

  #show() { this.layers.show(this.video, this.film.projection, this.space, this.facing); }

  #take(film, video) {
    this.#listening.abort();
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    Object.assign(this, { film, video });
    this.panel.firstChip = 0;
    film.heard = (regret) => { // an answer may change the projection back
      this.stale = true;
      if (regret) { this.say(regret); this.#show(); }
    };
    film.loadScenes().catch(() => {}); // the time line does without
    for (const event of ["timeupdate", "durationchange", "play", "seeked"]) {
      video.addEventListener(event, () => { this.stale = true; }, { signal });
    }
    video.addEventListener("pause", () => { if (!this.dark) this.shown = true; this.stir(this.#then); }, { signal });
    video.addEventListener("error", () => this.say("The film does not play here."), { signal });
    if (video !== this.player) this.#account(film, video, signal);
    const told = () => {
      this.#fresh = true;
      this.#told = this.#then;
      if (!signal.aborted) video.requestVideoFrameCallback?.(told);
    };
    told();
    this.sphere.forget();
    this.#show();
  }

  /** Keep the film's position and count its view, as the page does for its own player. */
  #account(film, video, signal) {
    let kept = performance.now();
    const keep = () => { kept = performance.now(); film.keepPosition(video.currentTime); };
    video.addEventListener("playing", () => film.countView(), { signal, once: true });
    video.addEventListener("pause", keep, { signal });
    video.addEventListener("timeupdate", () => { if (performance.now() - kept > POSITION_MS) keep(); }, { signal });
  }

  /** Go to the film of that watch page: it is made ready while it is dark. */
  async go(url) {
    if (!url || this.dark) return;
    this.dark = true;
    this.say("Opening the film …", { calm: true });
    try {
      const film = await openFilm(url);
      const video = await ready(film, this.video);
      this.#dropVideo();
      this.#take(film, video);
      this.say(null);
      video.play().catch(() => {});
    } catch (error) {
      this.say(error.message);
    }
    this.dark = false;
    this.stir(this.#then);
  }

  #dropVideo() {
    const { video } = this;
    video.pause();
    if (video === this.player) return;
    this.film.keepPosition(video.currentTime);
    video.removeAttribute("src");
    video.load();
  }

  /** The film waits while nobody wears the headset. */
  #worn() {
    if (this.session.visibilityState === "hidden") this.video.pause();
  }

  /** Be on the page of the film one was in, with what was said of it. */
  async #leave() {
    now.visit = null;
    const { film, video, player } = this;
    const elsewhere = video !== player;
    if (elsewhere) video.pause();
    if (!elsewhere && !film.changed) return;
    player.pause();
    await Promise.race([film.settled(), wait(3000)]);
    if (elsewhere) location.replace(film.url);
    else location.reload();
  }
}

/** A player of its own for the film, once it can play. Throws an Error with a sentence for people. */
async function ready(film, before) {
  const video = document.createElement("video");
  Object.assign(video, { playsInline: true, preload: "auto", muted: before.muted, volume: before.volume, src: film.source });
  const can = new Promise((resolve, refuse) => {
    video.addEventListener("canplay", resolve, { once: true });
    for (const wrong of ["error", "abort"]) video.addEventListener(wrong, refuse, { once: true });
    setTimeout(refuse, READY_MS);
  });
  try {
    await Promise.all([can, wait(FADE_MS)]);
  } catch {
    video.removeAttribute("src");
    throw new Error(`“${film.title}” does not play here.`);
  }
  return video;
}
