// A visit in VR: its frames, its rays, and the way from film to film.
import { openFilm } from "./film.js";
import { Panel, nameOf } from "./panel.js";
import { Sphere } from "./sphere.js";

const FADE_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 1 : 200;
const WIDE_M = 1.2;
const KEEP_EVERY_MS = 9500; // as the watch page does

export const now = { visit: null };

const limit = (value) => Math.min(1, Math.max(0, value));

/** Step into the film of `player`. Sessions and sound need a click. */
export async function enter(film, player) {
  const asked = navigator.xr.requestSession("immersive-vr", {
    optionalFeatures: ["layers", "local-floor", "hand-tracking"],
  });
  player.play().catch(() => {});
  const session = await asked;
  now.visit = new Visit(session, film, player);
  await now.visit.begin().catch((error) => {
    session.end();
    throw error;
  });
}

class Visit {
  constructor(session, film, player) {
    const panel = new Panel(
      JSON.parse(document.getElementById("vr-panel").dataset.layout),
      (name, value) => this.state(name, value),
    );
    Object.assign(this, {
      session,
      film,
      player,
      video: player,
      panel,
      shown: true,
      dimmed: 1,
      strength: 0,
      time: 0,
      marks: [],
      gaze: {},
      facing: 0,
    });
    Object.assign(this, {
      presses: new Map(),
      pads: {},
      tall: (WIDE_M * panel.height) / panel.width,
    });
  }

  async begin() {
    const { session } = this;
    const gl = (this.gl = document
      .createElement("canvas")
      .getContext("webgl2", { xrCompatible: true }));
    this.sphere = new Sphere(gl);
    this.space = await session.requestReferenceSpace("local");
    const aim = ({ inputSource, frame }) =>
      this.hit(frame.getPose(inputSource.targetRaySpace, this.space));
    session.onselectstart = (event) => this.presses.set(event.inputSource, aim(event));
    session.onselect = (event) =>
      this.choose(
        this.presses.has(event.inputSource) ? this.presses.get(event.inputSource) : aim(event),
      );
    session.onselectend = (event) => this.presses.delete(event.inputSource);
    // nobody wears it
    session.onvisibilitychange = () => session.visibilityState === "hidden" && this.video.pause();
    session.onend = () => this.left();
    this.space.onreset = () => this.face(0);
    try {
      // a media layer shows the film sharper and at less cost, below a clear layer for the panel
      this.media = new XRMediaBinding(session);
      this.binding = new XRWebGLBinding(session, gl);
      this.clear = this.binding.createProjectionLayer();
      this.buffer = gl.createFramebuffer();
    } catch {
      this.clear = null;
      const framebufferScaleFactor = Math.min(
        1.4,
        XRWebGLLayer.getNativeFramebufferScaleFactor(session),
      );
      this.base = new XRWebGLLayer(session, gl, {
        antialias: false,
        depth: false,
        framebufferScaleFactor,
      });
      session.updateRenderState({ baseLayer: this.base });
    }
    this.panel.fine = Math.min(
      1.5,
      (this.clear?.textureWidth ?? this.base.framebufferWidth) / 2000,
    );
    this.take(this.film, this.player);
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
    if (time > panel.until) this.panel.notice = "";
    if (!video.paused && !this.dark && time > this.stirred + 6000) this.shown = false;
    if (this.place && this.stale) {
      this.stale = false;
      panel.paint(this.film, video);
      sphere.upload(panel.canvas, sphere.panel);
    }
    // not told in this browser's VR
    const silent = time > this.told + 250 && video.currentTime !== this.pictured;
    if (!this.layer && video.readyState > 1 && (this.fresh || silent)) {
      this.fresh = false;
      this.pictured = video.currentTime;
      sphere.upload(video);
    }
    for (const view of pose.views) this.draw(view);
  };

  draw(view) {
    const { gl, sphere, layer, clear, place, strength } = this;
    const part = clear && this.binding.getViewSubImage(clear, view);
    const { x, y, width, height } = part?.viewport ?? this.base.getViewport(view);
    gl.bindFramebuffer(gl.FRAMEBUFFER, part ? this.buffer : this.base.framebuffer);
    if (part)
      gl.framebufferTexture2D(
        gl.FRAMEBUFFER,
        gl.COLOR_ATTACHMENT0,
        gl.TEXTURE_2D,
        part.colorTexture,
        0,
      );
    gl.viewport(x, y, width, height);
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(x, y, width, height);
    gl.clearColor(0, 0, 0, layer ? this.dimmed : 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.disable(gl.SCISSOR_TEST);
    const p = view.projectionMatrix;
    const pose = new DOMMatrix(view.transform.matrix);
    const turn = new DOMMatrix().rotate(0, (-this.facing * 180) / Math.PI, 0).multiply(pose);
    if (!layer)
      sphere.around(
        this.film.projection,
        view.eye,
        turn,
        [1 / p[0], 1 / p[5], p[8], p[9]],
        1 - this.dimmed,
      );
    if (!place) return;
    const seen = new DOMMatrix(p).multiply(pose.inverse());
    sphere.thing("panel", seen.multiply(place), strength);
    for (const { hit, ray, filled = 0 } of this.marks) {
      const length = hit?.metres ?? 3;
      if (ray)
        sphere.thing(
          "beam",
          seen
            .multiply(ray)
            .translate(0, 0, -length / 2)
            .rotate(-90, 0, 0)
            .scale(0.008, length),
          strength,
        );
      const size = 0.03 + 0.05 * filled;
      if (hit)
        sphere.thing(
          "dot",
          seen
            .multiply(place)
            .translate(hit.u - 0.5, 0.5 - hit.v, 0.004)
            .scale(size / WIDE_M, size / this.tall),
          strength,
        );
    }
  }

  hang(m) {
    this.front = Math.atan2(m[8], m[10]);
    this.stir();
    return new DOMMatrix()
      .translate(m[12], m[13], m[14])
      .rotate(-23, (this.front * 180) / Math.PI, 0)
      .translate(0, 0, -1.2)
      .scale(WIDE_M, this.tall);
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

  say(words) {
    Object.assign(this.panel, { notice: words, until: this.time + 7000 });
    this.shown = true;
    this.stir();
  }

  state(name, value) {
    const {
      film,
      video,
      film: { projection },
    } = this;
    if (
      {
        go: !film[value],
        fov: projection.shape !== "fisheye",
        swapped: projection.stereo === "mono",
      }[name]
    )
      return "off";
    const said = {
      rate: film.stars >= value,
      like: film.favorite,
      tag: film.tags.includes(value),
      play: !video.paused,
    };
    return (said[name] ?? (name in projection && projection[name] === value)) ? "on" : "";
  }

  /** Where a pose's ray meets the panel, or null. */
  hit(pose) {
    if (!this.shown || !this.place || !pose) return null;
    const { position, matrix: m } = pose.transform;
    const inside = this.place.inverse();
    const from = inside.transformPoint(position);
    const way = inside.transformPoint({ x: -m[8], y: -m[9], z: -m[10], w: 0 });
    const metres = -from.z / way.z;
    const [u, v] = [from.x + metres * way.x + 0.5, 0.5 - from.y - metres * way.y];
    return metres > 0 && u === limit(u) && v === limit(v)
      ? { u, v, metres, target: this.panel.at(u, v) }
      : null;
  }

  point(frame, viewer) {
    const { panel } = this;
    const sources = [...this.session.inputSources].filter(
      ({ targetRayMode }) => targetRayMode === "tracked-pointer",
    );
    const poses = sources
      .map(({ targetRaySpace }) => frame.getPose(targetRaySpace, this.space))
      .filter(Boolean);
    this.marks = poses.map((pose) => ({
      hit: this.hit(pose),
      ray: new DOMMatrix(pose.transform.matrix),
    }));
    if (!sources.length) this.look(viewer);
    for (const source of sources) this.pad(source);
    const hits = this.marks.map(({ hit }) => hit).filter(Boolean);
    const told = hits.map(({ u, v }) => [Math.round(u * 250), Math.round(v * 250)]).join();
    panel.lit = hits
      .filter(({ target }) => target)
      .map(({ target, u }) => ({ name: nameOf(target), u }));
    if (told !== this.pointed) this.stir();
    this.pointed = told;
  }

  /** Without controllers and hands, looking on presses. */
  look(viewer) {
    const hit = this.hit(viewer);
    const name = hit?.target
      ? nameOf(hit.target)
      : !this.shown && viewer.transform.matrix[9] > 0.45;
    if (name !== this.gaze.name) this.gaze = { name, since: this.time };
    const filled = name && !this.gaze.done ? (this.time - this.gaze.since) / 1500 : 0;
    this.marks = [{ hit, filled }];
    if (filled < 1) return;
    this.gaze.done = true;
    this.choose(hit);
  }

  choose(hit) {
    if (!hit) this.toggle();
    else if (hit.target) this.act(hit.target, hit.u);
  }

  act({ name, value }, u) {
    const { film } = this;
    if (name in film.projection)
      film.project({
        [name]: name === "swapped" ? !film.projection.swapped : value,
        ...(name === "shape" && { fov: null, lens: null }),
      });
    else this[name](value, u);
    this.stir();
  }

  pad({ gamepad, handedness }) {
    const before = this.pads[handedness] ?? {};
    const [a, b] = [4, 5].map((number) => gamepad?.buttons[number]?.pressed);
    const side = Math.trunc((gamepad?.axes[2] ?? 0) / 0.7);
    if (a && !before.a) this.play(); // A or X
    if (b && !before.b) this.toggle(); // B or Y
    if (side !== before.side && side) this.skip(10 * side);
    this.pads[handedness] = { a, b, side };
  }

  rate(stars) {
    this.film.rate(this.film.stars === stars ? 0 : stars);
  }

  like() {
    this.film.like(!this.film.favorite);
  }

  tag(name) {
    this.film.tag(name, !this.film.tags.includes(name));
  }

  more(first) {
    this.panel.first = first;
  }

  turn(page) {
    this.panel.page = page;
  }

  play() {
    if (this.video.paused) this.video.play().catch(() => {});
    else this.video.pause();
  }

  skip(seconds) {
    this.video.currentTime += seconds;
  }

  seek(_, u) {
    this.video.currentTime = this.panel.along(u) * (this.video.duration || 0);
  }

  recentre() {
    this.face(this.front);
  }

  leave() {
    this.session.end();
  }

  found() {
    this.film.project();
  }

  /** Go to the "next" or "previous" film, made ready by a second player in the dark. */
  async go(which) {
    if (this.dark) return;
    this.dark = true;
    this.say("Opening the film …");
    const { muted, volume } = this.video;
    const video = Object.assign(document.createElement("video"), {
      playsInline: true,
      preload: "auto",
      muted,
      volume,
    });
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
      this.say("");
      video.play().catch(() => {});
    } catch (error) {
      this.say(error.message);
    }
    this.dark = false;
    this.stir();
  }

  take(film, video) {
    this.listening?.abort();
    this.listening = new AbortController();
    const { signal } = this.listening;
    const on = (events, react) =>
      events.split(" ").forEach((event) => video.addEventListener(event, react, { signal }));
    Object.assign(this, { film, video, seen: null });
    this.panel.first = this.sphere.size = 0;
    film.heard = (regret) => {
      this.stale = true;
      if (regret) this.say(regret);
      this.show();
    };
    film.loadScenes().catch(() => {});
    on("timeupdate durationchange play seeked", () => {
      this.stale = true;
    });
    on("pause error", () => this.say(video.error ? "This film does not play here." : ""));
    if (video !== this.player) {
      // which the page keeps
      let kept = this.time;
      const keep = () => {
        kept = this.time;
        film.keepPosition(video.currentTime);
      };
      film.countView();
      on("pause seeked", keep);
      on("timeupdate", () => {
        if (this.time > kept + KEEP_EVERY_MS) keep();
      });
    }
    const told = () => {
      this.fresh = true;
      this.told = this.time;
      if (!signal.aborted) video.requestVideoFrameCallback?.(told);
    };
    told();
    this.show();
  }

  show() {
    const { shape, stereo, swapped, fov } = this.film.projection;
    const seen = [shape, stereo, swapped, fov].join();
    if (seen === this.seen) return;
    this.seen = seen;
    const turn = { equirect180: 1, equirect360: 2 }[shape] * Math.PI;
    this.layer?.destroy();
    this.layer = null;
    this.fresh = true;
    if (!this.clear) return;
    try {
      this.layer =
        turn && !swapped
          ? this.media.createEquirectLayer(this.video, {
              space: this.space,
              layout: { mono: "mono", sbs: "stereo-left-right", tb: "stereo-top-bottom" }[stereo],
              centralHorizontalAngle: turn,
            })
          : null;
    } catch {
      /* the shader shows it */
    }
    this.session.updateRenderState({ layers: [this.layer, this.clear].filter(Boolean) });
    this.face(this.facing);
  }

  face(facing) {
    this.facing = facing;
    if (this.layer)
      this.layer.transform = new XRRigidTransform(
        new DOMPoint(),
        new DOMPoint(0, Math.sin(facing / 2), 0, Math.cos(facing / 2)),
      );
  }

  async left() {
    now.visit = null;
    const { film, video, player } = this;
    if (video === player && !film.changed) return;
    player.pause();
    video.pause();
    await film.settled();
    location.replace(film.url);
  }
}
