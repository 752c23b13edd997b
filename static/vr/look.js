// Looking around in a film on a flat screen: by drag, keys, wheel, pinch, and by turning the device.
import { axes, placed, times } from "./space.js";
import { Sphere } from "./sphere.js";

const RADIAN = Math.PI / 180;
const [NARROW, STRAIGHT, WIDE] = [30, 80, 110]; // degrees from top to bottom
const STEEPEST = 85;
const STEP = 5;
const TAP_MS = 300;
const TAP_PX = 12;

const limit = (value, least, most) => Math.min(most, Math.max(least, value));

export class Look {
  #gl;
  #sphere;
  #fresh = true;
  #pointers = new Map();
  #tap = { at: 0, x: 0, y: 0 };
  #device = null;
  #ended = new AbortController();

  /** Lay a canvas over the player, showing `film`'s left eye. Throws where the browser has no WebGL2. */
  constructor(film, video, canvas) {
    Object.assign(this, { film, video, canvas, yaw: 0, pitch: 0, angle: STRAIGHT, stale: true });
    this.#gl = canvas.getContext("webgl2", { antialias: false, depth: false });
    this.#sphere = new Sphere(this.#gl);
    const on = (target, handlers) => {
      for (const [name, react] of Object.entries(handlers)) target.addEventListener(name, react, { signal: this.#ended.signal, passive: false });
    };
    on(canvas, {
      pointerdown: (event) => this.#down(event),
      pointermove: (event) => this.#move(event),
      pointerup: (event) => this.#up(event),
      pointercancel: (event) => this.#pointers.delete(event.pointerId),
      wheel: (event) => { event.preventDefault(); this.zoom(Math.exp(event.deltaY / 1000)); },
      keydown: (event) => this.#key(event),
    });
    const told = () => {
      this.#fresh = true;
      if (!this.#ended.signal.aborted) video.requestVideoFrameCallback?.(told);
    };
    told();
    on(video, { seeked: () => { this.#fresh = true; }, loadeddata: () => { this.#fresh = true; } });
    requestAnimationFrame(this.#draw);
  }

  end() {
    this.follow(false);
    this.#ended.abort();
    this.#gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  turn(left, up) {
    const aside = ["equirect180", "fisheye"].includes(this.film.projection.shape) ? 90 : Infinity;
    this.yaw = limit(this.yaw + left, -aside, aside);
    this.pitch = limit(this.pitch + up, -STEEPEST, STEEPEST);
    this.stale = true;
  }

  zoom(factor) {
    this.angle = limit(this.angle * factor, NARROW, WIDE);
    this.stale = true;
  }

  straight() {
    Object.assign(this, { yaw: 0, pitch: 0, angle: STRAIGHT, stale: true });
    if (this.#device) this.#device.from = null;
  }

  /** Follow the device's turning, or no more. To be called in a click: iOS asks the person. Whether it follows now. */
  async follow(on) {
    removeEventListener("deviceorientation", this.#turned);
    this.#device = null;
    if (!on) return false;
    const answer = await DeviceOrientationEvent.requestPermission?.().catch(() => "denied");
    if (answer && answer !== "granted") return false;
    this.#device = { from: null, matrix: null };
    this.pitch = 0;
    addEventListener("deviceorientation", this.#turned);
    return true;
  }

  /** W3C DeviceOrientation section 4.1: z-x'-y'' turns from the earth's axes (east, north, up) to the device's. */
  #turned = ({ alpha, beta, gamma }) => {
    if (alpha === null || !this.#device) return;
    const [a, b, c] = [alpha * RADIAN, beta * RADIAN, gamma * RADIAN];
    const screen = -(window.screen.orientation?.angle ?? 0) * RADIAN;
    const spin = (angle, [i, j]) => {
      const matrix = placed([1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]);
      matrix[i * 5] = matrix[j * 5] = Math.cos(angle);
      matrix[i * 4 + j] = Math.sin(angle);
      matrix[j * 4 + i] = -Math.sin(angle);
      return matrix;
    };
    const earth = spin(-Math.PI / 2, [1, 2]); // north is straight ahead, up is up
    const turns = [spin(a, [0, 1]), spin(b, [1, 2]), spin(c, [2, 0]), spin(screen, [0, 1])];
    const matrix = turns.reduce(times, earth);
    this.#device.from ??= Math.atan2(matrix[8], matrix[10]);
    this.#device.matrix = times(spin(-this.#device.from, [2, 0]), matrix);
    this.stale = true;
  };

  #view() {
    const yaw = this.yaw * RADIAN;
    if (this.#device?.matrix) return times(placed(...axes(yaw, 0), [0, 0, 0]), this.#device.matrix);
    return placed(...axes(yaw, this.pitch * RADIAN), [0, 0, 0]);
  }

  #draw = () => {
    if (this.#ended.signal.aborted) return;
    requestAnimationFrame(this.#draw);
    const { canvas, video } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) => Math.round(side * Math.min(2, devicePixelRatio)));
    if (canvas.width !== width || canvas.height !== height) {
      Object.assign(canvas, { width, height });
      this.stale = true;
    }
    if (this.#fresh && video.readyState > 1) {
      this.#fresh = false;
      this.stale = true;
      this.#sphere.upload(video);
    }
    if (!this.stale) return;
    this.stale = false;
    const tall = Math.tan((this.angle * RADIAN) / 2);
    this.#gl.viewport(0, 0, width, height);
    this.#sphere.draw(this.film.projection, "left", this.#view(), [(tall * width) / height, tall, 0, 0], 1);
  };

  #down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, event);
    this.moved = 0;
  }

  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const other = [...this.#pointers.values()].find((one) => one.pointerId !== event.pointerId);
    this.#pointers.set(event.pointerId, event);
    const gap = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    if (other) { this.zoom(gap(before) / gap(event)); return; }
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    this.moved += Math.abs(dx) + Math.abs(dy);
    const degree = this.angle / this.canvas.clientHeight;
    this.turn(dx * degree, dy * degree); // the picture follows the finger
  }

  #up(event) {
    this.#pointers.delete(event.pointerId);
    if (this.moved > TAP_PX) return;
    const { at, x, y } = this.#tap;
    const twice = event.timeStamp - at < TAP_MS && Math.hypot(event.clientX - x, event.clientY - y) < 4 * TAP_PX;
    this.#tap = { at: twice ? 0 : event.timeStamp, x: event.clientX, y: event.clientY };
    if (twice) this.straight();
  }

  #key(event) {
    const keys = {
      ArrowLeft: () => this.turn(STEP, 0),
      ArrowRight: () => this.turn(-STEP, 0),
      ArrowUp: () => this.turn(0, STEP),
      ArrowDown: () => this.turn(0, -STEP),
      "+": () => this.zoom(0.9),
      "-": () => this.zoom(1 / 0.9),
      Home: () => this.straight(),
    };
    if (!keys[event.key] || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault(); // the page's own keys hold back then
    keys[event.key]();
  }
}
