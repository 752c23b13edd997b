// A visit in VR: the session, the film around one, the panel before one, who points where, and the way from film to film.
import { openFilm } from "./film.js";
import { Panel, nameOf } from "./panel.js";
import { BEAM, DOT, PANEL, Sphere } from "./sphere.js";

const FADE_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1 : 200;
const REST_MS = 6000; // while the film plays the panel hides when no ray has stirred on it for so long
const DWELL_MS = 1500; // who has neither controller nor hand presses by looking for so long
const [WIDE_M, BELOW, LYING] = [1.2, 23, 35]; // degrees below straight ahead, or below one's gaze from so far up or down
const LAYOUTS = { mono: "mono", sbs: "stereo-left-right", tb: "stereo-top-bottom" };

export const now = { visit: null };

const limit = (value) => Math.min(1, Math.max(0, value));

/** Step into the film that `player` plays. To be called in a click: a session and sound both need one. */
export async function enter(film, player) {
  const asked = navigator.xr.requestSession("immersive-vr", { optionalFeatures: ["layers", "local-floor", "hand-tracking"] });
  player.play().catch(() => {});
  const session = await asked;
  now.visit = new Visit(session, player);
  await now.visit.begin(film).catch((error) => {
    session.end();
    throw error;
  });
}

class Visit {
  constructor(session, player) {
    const panel = new Panel(document.getElementById("vr-panel"), (name, value) => this.state(name, value));
    Object.assign(this, { session, player, panel, shown: true, dimmed: 1, strength: 0, time: 0, marks: [], gaze: {}, facing: new DOMMatrix() });
    Object.assign(this, { presses: new Map(), pads: new Map(), tall: (WIDE_M * panel.height) / panel.width });
  }

  async begin(film) {
    const { session } = this;
    const gl = this.gl = document.createElement("canvas").getContext("webgl2", { xrCompatible: true, antialias: false, depth: false });
    await gl.makeXRCompatible();
    this.sphere = new Sphere(gl);
    this.space = await session.requestReferenceSpace("local");
    const on = (events) => Object.entries(events).forEach(([name, react]) => session.addEventListener(name, react));
    const aim = ({ inputSource, frame }) => this.hit(frame.getPose(inputSource.targetRaySpace, this.space));
    on({
      selectstart: (event) => this.press(event.inputSource, aim(event)),
      select: (event) => this.choose(this.presses.has(event.inputSource) ? this.presses.get(event.inputSource) : aim(event)),
      selectend: ({ inputSource }) => this.press(inputSource),
      visibilitychange: () => { if (session.visibilityState === "hidden") this.video.pause(); }, // nobody wears it
      end: () => this.left(),
    });
    this.space.onreset = () => this.face(new DOMMatrix());
    try { // with media layers the system shows the film, sharper and at less cost, below a clear layer for the panel
      this.media = new XRMediaBinding(session);
      this.binding = new XRWebGLBinding(session, gl);
      this.clear = this.binding.createProjectionLayer();
      this.buffer = gl.createFramebuffer();
    } catch {
      this.clear = null;
      const framebufferScaleFactor = limit(XRWebGLLayer.getNativeFramebufferScaleFactor(session) / 1.4) * 1.4 || 1;
      this.base = new XRWebGLLayer(session, gl, { antialias: false, depth: false, framebufferScaleFactor });
      session.updateRenderState({ baseLayer: this.base });
    }
    this.take(film, this.player);
    session.requestAnimationFrame(this.tick);
  }

  tick = (time, frame) => {
    const { session, video, sphere, panel } = this;
    session.requestAnimationFrame(this.tick);
    const pose = frame.getViewerPose(this.space);
    if (!pose) return;
    const step = (time - this.time) / FADE_MS;
    this.time = time;
    this.dimmed = limit(this.dimmed + (this.dark ? step : -step));
    this.strength = limit(this.strength + (this.shown ? step : -step));
    if (!this.strength) this.place = null;
    else this.place ??= this.hang(pose.transform.matrix);
    this.point(frame, pose);
    if (panel.notice && time > panel.notice.until) this.say(null);
    if (!video.paused && !this.dark && time > this.stirred + REST_MS) this.shown = false;
    if (this.place && this.stale) {
      this.stale = false;
      panel.paint(this.film, video);
      sphere.upload(panel.canvas, sphere.panel);
    }
    // Where the browser tells of no new pictures in a session, what the clock says must do.
    if (!this.layer && video.readyState > 1 && (this.fresh || (time > this.told + 250 && video.currentTime !== this.pictured))) {
      this.fresh = false;
      this.pictured = video.currentTime;
      sphere.upload(video);
    }
    for (const view of pose.views) this.draw(view);
  };

  draw(view) {
    const { gl, sphere, layer, clear, place } = this;
    const part = clear && this.binding.getViewSubImage(clear, view);
    const { x, y, width, height } = part?.viewport ?? this.base.getViewport(view);
    gl.bindFramebuffer(gl.FRAMEBUFFER, part ? this.buffer : this.base.framebuffer);
    if (part) gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, part.colorTexture, 0);
    gl.viewport(x, y, width, height);
    gl.enable(gl.SCISSOR_TEST); // clearing knows no viewport
    gl.scissor(x, y, width, height);
    gl.clearColor(0, 0, 0, layer ? this.dimmed : 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    const p = view.projectionMatrix;
    const pose = new DOMMatrix(view.transform.matrix);
    const turn = this.facing.inverse().multiply(pose);
    if (!layer) sphere.around(this.film.projection, view.eye, turn, [1 / p[0], 1 / p[5], p[8], p[9]], 1 - this.dimmed);
    if (!place) return;
    const seen = new DOMMatrix(p).multiply(pose.inverse());
    sphere.thing(PANEL, seen.multiply(place), this.strength);
    for (const { hit, ray, filled } of this.marks) {
      const length = hit?.metres ?? 3;
      for (const side of ray ? [0, 90] : []) {
        sphere.thing(BEAM, seen.multiply(ray).translate(0, 0, -length / 2).rotate(-90, 0, 0).rotate(0, side, 0).scale(0.008, length), this.strength);
      }
      const size = 0.03 + 0.05 * (filled ?? 0);
      if (hit) sphere.thing(DOT, seen.multiply(place).translate(hit.u - 0.5, 0.5 - hit.v, 0.004).scale(size / WIDE_M, size / this.tall), this.strength);
    }
  }

  // --- The panel ---

  /** Its place before one, below the eyes. */
  hang(m) {
    const degree = 180 / Math.PI;
    const pitch = Math.asin(-m[9]) * degree;
    this.front = new DOMMatrix().rotate(Math.abs(pitch) > LYING ? pitch : 0, Math.atan2(m[8], m[10]) * degree, 0);
    this.stir();
    return new DOMMatrix().translate(m[12], m[13], m[14]).multiply(this.front).rotate(-BELOW, 0, 0).translate(0, 0, -1.2).scale(WIDE_M, this.tall);
  }

  stir() {
    this.stirred = this.time;
    this.stale = true;
  }

  toggle() {
    this.shown = !this.shown;
    this.panel.page = "film";
    this.stir();
  }

  /** Words on the panel for a while, with what takes back what they tell of. */
  say(words, undo) {
    this.panel.notice = words && { words, undo, until: this.time + 7000 };
    if (words) this.shown = true;
    this.stir();
  }

  state(name, value) {
    const { film, video } = this;
    const { projection } = film;
    if ({ go: !film[value], fov: projection.shape !== "fisheye", swapped: projection.stereo === "mono" }[name]) return "off";
    const said = { rate: film.stars >= value, like: film.favorite, tag: film.tags.includes(value), play: !video.paused };
    return (said[name] ?? projection[name] === value) ? "on" : "";
  }

  // --- Who points where ---

  /** Where a pose's ray meets the panel, from its left and top; null beside it. */
  hit(pose) {
    if (!this.shown || !this.place || !pose) return null;
    const { position, matrix: m } = pose.transform;
    const inside = this.place.inverse();
    const from = inside.transformPoint(position);
    const way = inside.transformPoint({ x: -m[8], y: -m[9], z: -m[10], w: 0 });
    const metres = -from.z / way.z;
    const [u, v] = [from.x + metres * way.x + 0.5, 0.5 - from.y - metres * way.y];
    return metres > 0 && u === limit(u) && v === limit(v) ? { u, v, metres, target: this.panel.at(u, v) } : null;
  }

  point(frame, viewer) {
    const { panel } = this;
    const sources = [...this.session.inputSources].filter(({ targetRayMode }) => targetRayMode === "tracked-pointer");
    const poses = sources.map(({ targetRaySpace }) => frame.getPose(targetRaySpace, this.space)).filter(Boolean);
    this.marks = poses.map((pose) => ({ hit: this.hit(pose), ray: new DOMMatrix(pose.transform.matrix) }));
    if (!sources.length) this.look(viewer);
    for (const source of sources) this.pad(source);
    const hits = this.marks.map(({ hit }) => hit).filter(Boolean);
    const line = hits.find(({ target }) => target?.name === "seek" || panel.held.includes("seek"));
    const told = hits.map(({ u, v }) => [Math.round(u * 250), Math.round(v * 250)]).join();
    panel.scrub = line ? panel.along(line.u) : null;
    panel.lit = hits.filter(({ target }) => target).map(({ target }) => nameOf(target));
    if (told !== this.pointed) this.stir();
    this.pointed = told;
  }

  /** One without controllers and hands brings the panel by looking down, and presses by looking on. */
  look(viewer) {
    const hit = this.hit(viewer);
    const name = hit?.target ? nameOf(hit.target) : !this.shown && viewer.transform.matrix[9] > 0.45;
    if (name !== this.gaze.name) this.gaze = { name, since: this.time };
    const filled = name && !this.gaze.done ? (this.time - this.gaze.since) / DWELL_MS : 0;
    this.marks = [{ hit, filled }];
    if (filled < 1) return;
    this.gaze.done = true;
    this.choose(hit);
  }

  /** A press begins there, or without a `hit` ends. What counts is where it began. */
  press(source, hit) {
    if (hit === undefined) this.presses.delete(source);
    else this.presses.set(source, hit);
    this.panel.held = [...this.presses.values()].filter((one) => one?.target).map(({ target }) => nameOf(target));
    this.stir();
  }

  choose(hit) {
    if (!hit) this.toggle();
    else if (hit.target) this.act(hit.target, hit.u);
  }

  act({ name, value }, u) {
    const { film } = this;
    if (name in film.projection) film.project({ [name]: name === "swapped" ? !film.projection.swapped : value, ...(name === "shape" && { fov: null, lens: null }) });
    else this[name](value, u);
    this.stir();
  }

  /** Stick to a side: 10 seconds. A or X: play or pause. B or Y: the panel. */
  pad({ gamepad, handedness }) {
    const before = this.pads.get(handedness) ?? {};
    const [a, b] = [4, 5].map((number) => gamepad?.buttons[number]?.pressed);
    const side = Math.trunc((gamepad?.axes[2] ?? 0) / 0.7);
    const wait = side === before.side && this.time < before.until;
    if (a && !before.a) this.play();
    if (b && !before.b) this.toggle();
    if (side && !wait) this.skip(10 * side);
    this.pads.set(handedness, { a, b, side, until: wait ? before.until : this.time + 500 });
  }

  // --- What the buttons do, by their names ---

  rate(stars) {
    const { film } = this;
    const again = film.stars === stars; // a press on the last star that is lit takes them away
    film.rate(again ? 0 : stars);
    if (again) this.say("Rating removed", () => film.rate(stars));
  }

  like() { this.film.like(!this.film.favorite); }

  tag(name) { this.film.tag(name, !this.film.tags.includes(name)); }

  more(first) { this.panel.first = first; }

  turn(page) { this.panel.page = page; }

  undo() {
    this.panel.notice.undo();
    this.say(null);
  }

  play() {
    if (this.video.paused) this.video.play().catch(() => this.say("This film does not play here."));
    else this.video.pause();
  }

  skip(seconds) { this.video.currentTime += seconds; }

  seek(_, u) { this.video.currentTime = (this.panel.scrub ?? this.panel.along(u)) * (this.video.duration || 0); }

  recentre() { this.face(this.front); }

  leave() { this.session.end(); }

  found() { this.film.project(); }

  /** Go to the film of the watch page `which`, "next" or "previous": a second player makes it ready while it is dark. */
  async go(which) {
    if (this.dark) return;
    this.dark = true;
    this.say("Opening the film …");
    const { muted, volume } = this.video;
    const video = Object.assign(document.createElement("video"), { playsInline: true, preload: "auto", muted, volume });
    try {
      const film = await openFilm(this.film[which]);
      await new Promise((resolve, refuse) => {
        video.oncanplay = () => setTimeout(resolve, FADE_MS);
        video.onerror = () => refuse(new Error(`“${film.title}” does not play here.`));
        setTimeout(video.onerror, 20_000);
        video.src = film.source;
      });
      this.video.pause();
      if (this.video !== this.player) this.video.removeAttribute("src");
      this.take(film, video);
      this.say(null);
      video.play().catch(() => {});
    } catch (error) {
      this.say(error.message);
    }
    this.dark = false;
    this.stir();
  }

  // --- The film ---

  take(film, video) {
    this.listening?.abort();
    this.listening = new AbortController();
    const { signal } = this.listening;
    const on = (events, react) => events.split(" ").forEach((event) => video.addEventListener(event, react, { signal }));
    Object.assign(this, { film, video, seen: null });
    this.panel.first = this.sphere.size = 0;
    film.heard = (regret) => {
      this.stale = true;
      if (regret) this.say(regret);
      this.show();
    };
    film.loadScenes().catch(() => {}); // the time line does without
    on("timeupdate durationchange play seeked", () => { this.stale = true; });
    on("pause", () => { this.shown = true; this.stir(); });
    on("error", () => this.say("This film does not play here."));
    if (video !== this.player) { // the page itself keeps its own player's position and views
      let kept = this.time;
      const keep = () => { kept = this.time; film.keepPosition(video.currentTime); };
      film.countView();
      on("pause", keep);
      on("timeupdate", () => { if (this.time > kept + 15_000) keep(); });
    }
    const told = () => {
      this.fresh = true;
      this.told = this.time;
      if (!signal.aborted) video.requestVideoFrameCallback?.(told);
    };
    told();
    this.show();
  }

  /** Give the film to a media layer if one can show it. */
  show() {
    const { shape, stereo, swapped, fov } = this.film.projection;
    const seen = [shape, stereo, swapped, fov].join();
    if (seen === this.seen) return;
    this.seen = seen;
    const turn = { equirect180: 1, equirect360: 2 }[shape] * Math.PI;
    this.layer = null;
    this.fresh = true;
    if (!this.clear) return;
    try {
      this.layer = turn && !swapped ? this.media.createEquirectLayer(this.video, {
        space: this.space, layout: LAYOUTS[stereo], centralHorizontalAngle: turn, upperVerticalAngle: Math.PI / 2, lowerVerticalAngle: -Math.PI / 2,
      }) : null;
    } catch { /* the shader shows it */ }
    this.session.updateRenderState({ layers: [this.layer, this.clear].filter(Boolean) });
    this.face(this.facing);
  }

  /** Turn the film's front there. */
  face(facing) {
    this.facing = facing;
    const [yaw, pitch] = [Math.atan2(facing.m31, facing.m33) / 2, Math.asin(-facing.m32) / 2];
    const [sy, cy, sp, cp] = [Math.sin(yaw), Math.cos(yaw), Math.sin(pitch), Math.cos(pitch)];
    if (this.layer) this.layer.transform = new XRRigidTransform({}, { x: cy * sp, y: sy * cp, z: -sy * sp, w: cy * cp });
  }

  /** Be on the page of the film one was in, with what was said of it. */
  async left() {
    now.visit = null;
    const { film, video, player } = this;
    if (video === player && !film.changed) return;
    player.pause();
    video.pause();
    await film.settled();
    if (film.url === location.href) location.reload();
    else location.replace(film.url);
  }
}
