// Looking around in a film on a flat screen: by drag, keys, wheel, pinch, and by turning the
// device.
import { Sphere } from "./sphere.js";

const STRAIGHT = { yaw: 0, pitch: 0, angle: 80 };
const limit = (value, least, most) => Math.min(most, Math.max(least, value));

export class Look {
  constructor(film, video, canvas) {
    Object.assign(this, { film, video, canvas, ...STRAIGHT, fingers: new Map(), tapped: 0 });
    this.sphere = new Sphere(canvas.getContext("webgl2"));
    for (const name of ["down", "move", "up", "cancel"])
      canvas.addEventListener(`pointer${name}`, (event) => this[name](event));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(event.deltaY / 1000));
    });
    canvas.addEventListener("keydown", (event) => this.key(event));
    requestAnimationFrame(this.draw);
  }

  turn(left, up) {
    const aside = /180|fish/.test(this.film.projection.shape) ? 90 : Infinity;
    this.yaw = limit(this.yaw + left, -aside, aside);
    this.pitch = limit(this.pitch + up, -85, 85);
  }

  zoom(factor) {
    this.angle = limit(this.angle * factor, 30, 110);
  }

  straight() {
    Object.assign(this, STRAIGHT, { north: undefined });
  }

  /** Follow the device's turns from now on, or no more. To be called in a click: iOS asks. */
  async follow(on) {
    on &&= (await DeviceOrientationEvent.requestPermission?.()) !== "denied";
    window.ondeviceorientation = on ? this.turned : null;
    this.device = on && new DOMMatrix();
    this.straight();
    return on;
  }

  turned = ({ alpha, beta, gamma }) => {
    // turns by z, x, y from east, north, up
    if (alpha === null) return;
    const device = new DOMMatrix()
      .rotate(-90, 0, 0)
      .rotate(0, 0, alpha)
      .rotate(beta, 0, 0)
      .rotate(0, gamma, 0)
      .rotate(0, 0, -(screen.orientation?.angle ?? 0));
    this.north ??= (Math.atan2(device.m31, device.m33) * 180) / Math.PI;
    this.device = new DOMMatrix().rotate(0, -this.north, 0).multiply(device);
  };

  draw = () => {
    const { canvas, video, sphere, yaw, pitch, angle, device } = this;
    requestAnimationFrame(this.draw);
    if (canvas.hidden) return;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((side) =>
      Math.round(side * Math.min(2, devicePixelRatio)),
    );
    const seen = [
      width,
      height,
      yaw,
      pitch,
      angle,
      video.currentTime,
      video.seeking,
      video.readyState > 1,
      device,
    ].join();
    if (seen === this.seen) return;
    this.seen = seen;
    Object.assign(canvas, { width, height });
    if (video.readyState > 1) sphere.upload(video);
    const tall = Math.tan((angle * Math.PI) / 360);
    const view = device
      ? new DOMMatrix().rotate(0, yaw, 0).multiply(device)
      : new DOMMatrix().rotate(pitch, yaw, 0);
    sphere.gl.viewport(0, 0, width, height);
    sphere.around(this.film.projection, "left", view, [(tall * width) / height, tall, 0, 0], 1);
  };

  down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, event);
    this.moved = 0;
  }

  move(event) {
    const { fingers, angle, canvas } = this;
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const other = [...fingers.values()].find((one) => one !== before);
    fingers.set(event.pointerId, event);
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    this.moved += Math.abs(dx) + Math.abs(dy);
    const gap = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    if (other) this.zoom(gap(before) / gap(event));
    else this.turn((dx * angle) / canvas.clientHeight, (dy * angle) / canvas.clientHeight);
  }

  up({ pointerId, timeStamp }) {
    this.cancel({ pointerId });
    if (this.moved > 12) return;
    if (timeStamp - this.tapped < 300) this.straight();
    this.tapped = timeStamp;
  }

  cancel({ pointerId }) {
    this.fingers.delete(pointerId);
  }

  key(event) {
    const [left, up, factor] =
      {
        ArrowLeft: [5, 0],
        ArrowRight: [-5, 0],
        ArrowUp: [0, 5],
        ArrowDown: [0, -5],
        "+": [0, 0, 0.9],
        "-": [0, 0, 1.1],
      }[event.key] ?? [];
    if (left === undefined) return;
    event.preventDefault();
    if (factor) this.zoom(factor);
    else this.turn(left, up);
  }
}
