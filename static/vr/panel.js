// The panel inside VR: a canvas with the film's title, stars, heart, tags, time line and buttons, and what lies at each of its points.
import { SHAPES } from "./sphere.js";

export const WIDTH = 1024;
export const HEIGHT = 540;
const FINENESS = 1.5; // points of the canvas for each of the layout's
const LEFT = 48;
const RIGHT = WIDTH - LEFT;
const LINE = { x: LEFT, y: 298, w: RIGHT - LEFT, h: 84 };

const TEXT = "#f2f4f8", MUTED = "#aab2c0", ACCENT = "#8ab6ff", GOLD = "#f7bd45", ROSE = "#ff7d97", REGRET = "#ffab9f";
const ICONS = Object.fromEntries(Object.entries({
  star: "M12 2.9l2.8 5.8 6.3.9-4.6 4.4 1.1 6.3L12 17.3l-5.6 3 1.1-6.3L2.9 9.6l6.3-.9z",
  heart: "M12 20.3S3.4 15 3.4 8.9A4.6 4.6 0 0 1 12 6.7a4.6 4.6 0 0 1 8.6 2.2C20.6 15 12 20.3 12 20.3z",
  play: "M8 5.2v13.6L19 12z",
  pause: "M7.5 5.5v13M16.5 5.5v13",
  previous: "M6.5 6v12M17.5 6v12L9 12z",
  next: "M17.5 6v12M6.5 6v12l8.5-6z",
  back: "M12 4.5a8 8 0 1 1-7.6 5.6M12 1.5l-3.2 3 3.2 3",
  on: "M12 4.5a8 8 0 1 0 7.6 5.6M12 1.5l3.2 3-3.2 3",
  shape: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM3.5 12h17M12 3.5c-4.6 4.4-4.6 12.6 0 17 4.6-4.4 4.6-12.6 0-17z",
  recentre: "M12 8.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM12 2.5v4M12 17.5v4M2.5 12h4M17.5 12h4",
  leave: "M10 4.5H5v15h5M10 12h10.5M16.5 8l4 4-4 4",
  check: "M6 12.5l4 4 8-9",
  plus: "M12 6.5v11M6.5 12h11",
  more: "M9 6l6 6-6 6",
  undo: "M8 5L4 9l4 4M4 9h10a5 5 0 0 1 0 10h-3",
}).map(([name, path]) => [name, new Path2D(path)]));
const SHAPE_WORDS = { flat: "Flat", equirect180: "180°", equirect360: "360°", fisheye: "Fisheye", eac: "Cube map" };
const STEREO_WORDS = { mono: "2D", sbs: "Side by side", tb: "One above the other" };
const ANGLES = [180, 190, 200, 220];

export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds || 0));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, "0"));
  return parts.join(":").replace(/^00:/, "").replace(/^0/, "");
}

export class Panel {
  constructor() {
    this.canvas = Object.assign(document.createElement("canvas"), { width: WIDTH * FINENESS, height: HEIGHT * FINENESS });
    this.pen = this.canvas.getContext("2d");
    this.targets = [];
    this.lit = new Set(); // names of the targets under a ray
    this.held = new Set(); // and of those that are being pressed
    this.page = "film";
    this.firstChip = 0;
    this.scrub = null; // 0 to 1 along the time line, where a ray is on it
    this.notice = null; // { words, undo }
  }

  /** What can be pressed at this point of the panel, as 0 to 1 from its left and top. */
  at(u, v) {
    const [x, y] = [u * WIDTH, v * HEIGHT];
    return this.targets.find((one) => x >= one.x && x < one.x + one.w && y >= one.y && y < one.y + one.h) ?? null;
  }

  /** Place on the time line, 0 to 1, for a point of the panel. */
  static alongLine(u) { return Math.min(1, Math.max(0, (u * WIDTH - LINE.x) / LINE.w)); }

  /** Draw all of it. `deeds` are what its buttons do beyond the film. */
  paint(film, video, deeds) {
    const { pen } = this;
    this.targets = [];
    pen.setTransform(FINENESS, 0, 0, FINENESS, 0, 0);
    pen.clearRect(0, 0, WIDTH, HEIGHT);
    pen.lineCap = pen.lineJoin = "round";
    this.#plate();
    if (this.page === "shape") this.#shapePage(film);
    else this.#filmPage(film, video, deeds);
  }

  #filmPage(film, video, deeds) {
    this.#head(film);
    for (let stars = 1; stars <= 5; stars += 1) this.#star(film, stars);
    this.#heart(film);
    this.#button("shape", RIGHT - 248, 116, 76, 76, () => { this.page = "shape"; }, { icon: "shape" });
    this.#button("recentre", RIGHT - 162, 116, 76, 76, deeds.recentre, { icon: "recentre" });
    this.#button("leave", RIGHT - 76, 116, 76, 76, deeds.leave, { icon: "leave" });
    this.#chips(film);
    this.#line(film, video, deeds);
    this.#transport(film, video, deeds);
  }

  #head(film) {
    const { notice } = this;
    const width = RIGHT - LEFT - (notice?.undo ? 160 : 0);
    this.#text(film.title, LEFT, 62, { size: 36, weight: 650, width });
    const { shape, stereo } = film.projection;
    const facts = [SHAPE_WORDS[shape], stereo === "mono" ? "2D" : "3D"].join(" · ");
    this.#text(notice?.words ?? facts, LEFT, 97, { size: 22, colour: notice ? (notice.calm ? TEXT : REGRET) : MUTED, width });
    if (notice?.undo) this.#button("undo", RIGHT - 148, 36, 148, 72, notice.undo, { icon: "undo", words: "Undo" });
  }

  #star(film, stars) {
    const name = `star-${stars}`;
    const x = LEFT - 10 + (stars - 1) * 78;
    this.#target(name, x, 114, 78, 80, () => film.rate(film.stars === stars ? 0 : stars));
    const aimed = Math.max(0, ...[...this.lit].map((each) => Number(/^star-(\d)$/.exec(each)?.[1] ?? 0)));
    const full = stars <= film.stars;
    const grown = this.held.has(name) ? 60 : 54;
    const edge = full || stars <= aimed ? GOLD : "#c9cfda99";
    this.#icon("star", x + 39, 154, grown, { fill: full ? GOLD : stars <= aimed ? "#f7bd4538" : null, edge, width: 1.5, glow: full && "#f7bd4588" });
  }

  #heart(film) {
    const x = LEFT + 396;
    this.#target("heart", x, 114, 80, 80, () => film.like(!film.favorite));
    const lit = this.lit.has("heart");
    const fill = film.favorite ? ROSE : lit ? "#ff7d9738" : null;
    this.#icon("heart", x + 40, 154, this.held.has("heart") ? 60 : 54, { fill, edge: film.favorite || lit ? ROSE : "#c9cfda99", width: 1.5, glow: film.favorite && "#ff7d9788" });
  }

  #chips(film) {
    const { chips } = film;
    if (!chips.length) this.#text("Tags that you give on the watch page can be switched here.", LEFT, 254, { size: 22, colour: MUTED });
    let x = LEFT;
    let at = this.firstChip < chips.length ? this.firstChip : 0;
    const first = at;
    for (; at < chips.length; at += 1) {
      const name = chips[at];
      this.#font(24, 550);
      const width = Math.min(300, Math.max(92, this.pen.measureText(name).width + 70));
      const last = at === chips.length - 1 && first === 0;
      if (x + width > RIGHT - (last ? 0 : 84)) break;
      const on = film.tags.includes(name);
      this.#chip(`tag-${name}`, x, width, name, on, () => film.tag(name, !on));
      x += width + 12;
    }
    const from = at < chips.length ? at : 0;
    if (at < chips.length || first) this.#button("more", RIGHT - 72, 208, 72, 72, () => { this.firstChip = from; }, { icon: "more", inset: 8 });
  }

  #chip(name, x, width, words, on, act) {
    this.#target(name, x, 208, width, 72, act);
    const { pen } = this;
    const lit = this.lit.has(name);
    this.#round(x, 217, width, 54, 27);
    pen.fillStyle = on ? (lit ? "#a5c8ff" : ACCENT) : lit ? "#ffffff30" : "#ffffff14";
    pen.fill();
    this.#ring(name, on ? "#0000" : "#ffffff2e");
    const colour = on ? "#0b1a33" : TEXT;
    this.#icon(on ? "check" : "plus", x + 30, 244, 26, { edge: colour, width: 2.4 });
    this.#text(words, x + 48, 252.5, { size: 24, weight: 550, colour, width: width - 64 });
  }

  #line(film, video, { seek }) {
    const { pen, scrub } = this;
    const { x, y, w, h } = LINE;
    const length = video.duration;
    const done = length > 0 ? Math.min(1, video.currentTime / length) : 0;
    this.#target("line", x - 12, y, w + 24, h, () => seek(this.scrub ?? 0));
    const shown = this.held.has("line") && scrub !== null ? scrub : done;
    if (film.scenes.length) this.#strip(film, length, shown);
    else this.#bar(shown);
    const head = x + shown * w;
    const [top, tall] = film.scenes.length ? [y + 2, h - 4] : [y + h / 2 - 15, 30];
    this.#round(head - 3, top, 6, tall, 3);
    this.#shadow("#000c", 8);
    pen.fillStyle = "#fff";
    pen.fill();
    this.#shadow();
    if (scrub !== null && length > 0) this.#bubble(film, x + scrub * w, scrub * length);
  }

  #bar(done) {
    const { pen } = this;
    const { x, y, w, h } = LINE;
    const thick = this.lit.has("line") ? 14 : 10;
    for (const [part, colour] of [[1, "#ffffff2b"], [done, ACCENT]]) {
      if (part * w < thick && colour === ACCENT) continue;
      this.#round(x, y + (h - thick) / 2, part * w, thick, thick / 2);
      pen.fillStyle = colour;
      pen.fill();
    }
  }

  #strip(film, length, done) {
    const { pen } = this;
    const { x, y, w, h } = LINE;
    const [, , wide, high] = film.scenes[0].box;
    const count = Math.max(1, Math.round(w / ((h - 12) * wide / high)));
    pen.save();
    this.#round(x, y + 6, w, h - 12, 14);
    pen.clip();
    for (let at = 0; at < count; at += 1) {
      this.#scene(film, ((at + 0.5) / count) * length, x + (at * w) / count, y + 6, w / count - 1, h - 12);
    }
    pen.fillStyle = "#0b0d12a8";
    pen.fillRect(x + done * w, y, w, h);
    pen.fillStyle = ACCENT;
    pen.fillRect(x, y + h - 11, done * w, 5);
    pen.restore();
  }

  /** The picture of the scene at this second, filling the box. */
  #scene(film, second, x, y, w, h) {
    const { sheet, box: [left, top, wide, high] } = film.scenes.findLast((one) => one.start <= second) ?? film.scenes[0];
    const [across, down] = w / h > wide / high ? [wide, (wide * h) / w] : [(high * w) / h, high];
    this.pen.drawImage(sheet, left + (wide - across) / 2, top + (high - down) / 2, across, down, x, y, w, h);
  }

  #bubble(film, middle, second) {
    const { pen } = this;
    const picture = film.scenes.length > 0;
    const [wide, high] = picture ? [248, 186] : [112, 48];
    const x = Math.min(RIGHT - wide + 12, Math.max(LEFT - 12, middle - wide / 2));
    const y = LINE.y - high - (picture ? 2 : -10);
    this.#round(x, y, wide, high, 16);
    this.#shadow("#000b", 24);
    pen.fillStyle = "#2b303c";
    pen.fill();
    this.#shadow();
    pen.strokeStyle = "#ffffff40";
    pen.lineWidth = 1.5;
    pen.stroke();
    if (picture) {
      pen.save();
      this.#round(x + 6, y + 6, wide - 12, 138, 11);
      pen.clip();
      this.#scene(film, second, x + 6, y + 6, wide - 12, 138);
      pen.restore();
    }
    this.#text(clock(second), x + wide / 2, y + high - 15, { size: 26, weight: 600, align: "center" });
  }

  #transport(film, video, { go, skip, play }) {
    const y = 394;
    const dull = (there) => ({ dull: !there });
    const seen = this.held.has("line") && this.scrub !== null ? this.scrub * video.duration : video.currentTime;
    this.#text(clock(seen), LEFT, y + 56, { size: 30, weight: 600 });
    if (video.duration > 0 && video.duration < Infinity) {
      this.#text(`−${clock(video.duration - seen)}`, RIGHT, y + 56, { size: 30, weight: 500, colour: MUTED, align: "right" });
    }
    this.#button("previous", 282, y + 8, 80, 80, () => go(film.previous), { icon: "previous", solid: true, ...dull(film.previous) });
    this.#button("back", 374, y + 8, 80, 80, () => skip(-10), { icon: "back", small: "10" });
    this.#button("play", 464, y, 96, 96, play, { icon: video.paused ? "play" : "pause", solid: true, main: true });
    this.#button("on", 570, y + 8, 80, 80, () => skip(10), { icon: "on", small: "10" });
    this.#button("next", 662, y + 8, 80, 80, () => go(film.next), { icon: "next", solid: true, ...dull(film.next) });
  }

  #shapePage(film) {
    const now = film.projection;
    const set = (change) => () => film.project({ ...now, ...change });
    this.#text("How was this film made?", LEFT, 70, { size: 34, weight: 650 });
    if (this.notice) this.#text(this.notice.words, LEFT, 100, { size: 20, colour: REGRET, width: 700 });
    this.#button("done", RIGHT - 140, 34, 140, 72, () => { this.page = "film"; }, { words: "Done", main: true });
    SHAPES.forEach((shape, at) => {
      const fov = shape === "fisheye" ? now.fov ?? 190 : null;
      const change = { shape, fov, lens: shape === "fisheye" ? now.lens ?? "Linear" : null };
      this.#choice(`shape-${shape}`, at, 5, 122, SHAPE_WORDS[shape], now.shape === shape, set(change));
    });
    Object.entries(STEREO_WORDS).forEach(([stereo, words], at) => {
      const swapped = stereo !== "mono" && now.swapped;
      this.#choice(`stereo-${stereo}`, at, 3, 212, words, now.stereo === stereo, set({ stereo, swapped }));
    });
    if (now.stereo !== "mono") this.#choice("swapped", 0, 3, 302, "Swap the eyes", now.swapped, set({ swapped: !now.swapped }));
    if (now.shape !== "fisheye") return;
    this.#text("Lens", LEFT, 438, { size: 24, colour: MUTED });
    ANGLES.forEach((fov, at) => this.#choice(`fov-${fov}`, at + 1, 5, 392, `${fov}°`, now.fov === fov, set({ fov })));
  }

  #choice(name, at, count, y, words, on, act) {
    const width = (RIGHT - LEFT - 12 * (count - 1)) / count;
    this.#button(name, LEFT + at * (width + 12), y, width, 78, act, { words, on });
  }

  // --- Parts ---

  #plate() {
    const { pen } = this;
    const glass = pen.createLinearGradient(0, 0, 0, HEIGHT);
    glass.addColorStop(0, "#2a2f3df2");
    glass.addColorStop(0.5, "#191c25f2");
    glass.addColorStop(1, "#12141bf2");
    this.#round(14, 14, WIDTH - 28, HEIGHT - 28, 44);
    this.#shadow("#000a", 14);
    pen.fillStyle = glass;
    pen.fill();
    this.#shadow();
    const edge = pen.createLinearGradient(0, 0, 0, HEIGHT);
    edge.addColorStop(0, "#ffffff5c");
    edge.addColorStop(0.35, "#ffffff1c");
    edge.addColorStop(1, "#ffffff12");
    pen.strokeStyle = edge;
    pen.lineWidth = 2;
    pen.stroke();
  }

  #target(name, x, y, w, h, act) { this.targets.push({ name, x, y, w, h, act }); }

  #button(name, x, y, w, h, act, { icon, words, small, solid, main, on, dull, inset = 0 }) {
    const { pen } = this;
    if (!dull) this.#target(name, x, y, w, h, act);
    const lit = this.lit.has(name) && !dull;
    const press = this.held.has(name) ? 3 : 0;
    const gap = inset + press;
    const strong = main || on;
    this.#round(x + gap, y + gap, w - 2 * gap, h - 2 * gap, words ? 22 : h / 2);
    pen.fillStyle = main ? (lit ? "#fff" : "#e6ebf5") : on ? (lit ? "#a5c8ff" : ACCENT) : lit ? "#ffffff33" : "#ffffff14";
    if (!dull) pen.fill();
    if (!dull) this.#ring(name, strong ? "#0000" : "#ffffff1f");
    const colour = strong ? "#0f1626" : dull ? "#ffffff38" : TEXT;
    const size = main ? 50 : 40;
    if (icon) this.#icon(icon, words ? x + 34 : x + w / 2, y + h / 2, words ? 30 : size, { edge: colour, fill: solid && icon !== "pause" ? colour : null, width: icon === "pause" ? 4 : 1.9 });
    if (small) this.#text(small, x + w / 2, y + h / 2 + 7.5, { size: 15, weight: 700, colour, align: "center" });
    if (words) this.#text(words, icon ? x + 58 : x + w / 2, y + h / 2 + 9, { size: 25, weight: 600, colour, align: icon ? "left" : "center" });
  }

  /** The edge of what was just filled; bright under a ray. */
  #ring(name, edge) {
    const lit = this.lit.has(name);
    this.pen.strokeStyle = lit ? "#fff" : edge;
    this.pen.lineWidth = lit ? 3 : 1.5;
    this.pen.stroke();
  }

  #round(x, y, w, h, radius) {
    this.pen.beginPath();
    this.pen.roundRect(x, y, Math.max(0, w), h, radius);
  }

  #shadow(colour = "#0000", blur = 0) { Object.assign(this.pen, { shadowColor: colour, shadowBlur: blur * FINENESS }); }

  #icon(name, x, y, size, { fill, edge, width = 1.8, glow }) {
    const { pen } = this;
    pen.save();
    pen.translate(x - size / 2, y - size / 2);
    pen.scale(size / 24, size / 24);
    if (glow) this.#shadow(glow, 12);
    if (fill) { pen.fillStyle = fill; pen.fill(ICONS[name]); }
    this.#shadow();
    pen.strokeStyle = edge;
    pen.lineWidth = width;
    pen.stroke(ICONS[name]);
    pen.restore();
  }

  #font(size, weight) { this.pen.font = `${weight} ${size}px system-ui, sans-serif`; }

  #text(words, x, y, { size, weight = 400, colour = TEXT, width = Infinity, align = "left" }) {
    const { pen } = this;
    this.#font(size, weight);
    pen.textAlign = align;
    pen.fillStyle = colour;
    let shown = [...words];
    const whole = shown.length;
    while (shown.length > 1 && pen.measureText(shown.join("") + (shown.length < whole ? "…" : "")).width > width) shown = shown.slice(0, -1);
    pen.fillText(shown.join("") + (shown.length < whole ? "…" : ""), x, y);
  }
}
