// The panel in VR, drawn on a canvas. Its buttons, texts and their places stand in the page's template.

const FINE = 1.5; // points of the canvas for each of the layout's
const [INK, ACCENT, DARK, NONE] = ["#f2f4f8", "#8ab6ff", "#0f1626", "#0000"];

export const clock = (seconds) => [3600, 60, 1].map((unit) => String(Math.floor(Math.max(0, seconds || 0) / unit) % 60).padStart(2, "0"))
  .join(":").replace(/^00:0?|^0/, "");

export class Panel {
  /** `state` says of a button, by name and value: "on", "off" (it cannot be pressed), or neither. */
  constructor(template, state) {
    const [width, height] = template.dataset.size.split(" ").map(Number);
    this.items = [...template.content.querySelectorAll("[data-box]")].map((each) => ({
      look: "",
      page: "film",
      ...each.dataset,
      name: each.getAttribute("name"),
      value: each.value && JSON.parse(each.value),
      words: each.textContent.trim(),
      box: each.dataset.box.split(" ").map(Number),
      icons: [...each.querySelectorAll("path")].map((path) => new Path2D(path.getAttribute("d"))),
    }));
    this.canvas = Object.assign(document.createElement("canvas"), { width: width * FINE, height: height * FINE });
    this.pen = this.canvas.getContext("2d");
    Object.assign(this, { state, width, height, page: "film", lit: [], held: [], targets: [], first: 0, scrub: null, notice: null });
  }

  /** What can be pressed there, 0 to 1 from left and top. */
  at(u, v) {
    const [x, y] = [u * this.width, v * this.height];
    return this.targets.find(({ box: [left, top, w, h] }) => x >= left && x < left + w && y >= top && y < top + h);
  }

  /** Place on the time line, 0 to 1, for a point of the panel. */
  along(u) {
    const { box: [x, , w] } = this.items.find(({ name }) => name === "seek");
    return Math.min(1, Math.max(0, (u * this.width - x) / w));
  }

  paint(film, { currentTime, duration }) {
    const { pen, width, height, notice, scrub, held } = this;
    const { shape, stereo } = film.projection;
    const done = held.includes("seek") ? scrub : currentTime / duration || 0;
    const name = this.items.find((item) => item.name === "shape" && item.value === shape)?.words;
    const texts = {
      title: film.title,
      facts: notice?.words ?? `${name} · ${stereo === "mono" ? "2D" : "3D"}`,
      time: clock(done * duration),
      left: duration < Infinity ? `−${clock(duration - done * duration)}` : "",
    };
    this.targets = [];
    pen.setTransform(FINE, 0, 0, FINE, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.lineCap = pen.lineJoin = "round";
    this.plate(14, 14, width - 28, height - 28, 44, this.blend("#2d3242f5", "#12141bf5"), 14);
    this.edge(2, this.blend("#ffffff66", "#ffffff12"));
    for (const item of this.items.filter(({ page }) => page === this.page)) {
      if (item.name === "seek") this.line(item, film, done, duration);
      else if (item.name === "tag") this.chips(item, film);
      else if (item.size) this.text(texts[item.name] ?? item.words, ...item.box, notice && item.name === "facts" ? { ...item, ink: "#ffd9a0", weight: 600 } : item);
      else if (item.name !== "undo" || notice?.undo) this.button(item);
    }
    this.bubble?.();
  }

  chips({ box: [left, y, w, h], icons, words }, { chips }) {
    const first = this.first < chips.length ? this.first : 0;
    if (!chips.length) this.text(words, left, y + 44, w, 0, { size: 22, ink: "#aab2c0" });
    let [x, at] = [left, first];
    for (; at < chips.length; at += 1) {
      this.pen.font = font(24, 600);
      const wide = Math.min(300, this.pen.measureText(chips[at]).width + 72);
      if (x + wide > left + w - (at === chips.length - 1 && !first ? 0 : 84)) break;
      this.button({ name: "tag", value: chips[at], words: chips[at], box: [x, y, wide, h], look: "chip", icons });
      x += wide + 12;
    }
    if (at < chips.length || first) this.button({ name: "more", value: at, words: "", box: [left + w - 72, y, 72, h], look: "chip", icons: [icons[2]] });
  }

  line(item, film, done, length) {
    const [x, y, w, h] = item.box;
    const { pen, scrub } = this;
    const middle = y + h / 2;
    this.targets.push(item);
    this.plate(x, middle - 6, w, 12, 6, "#ffffff30");
    this.plate(x, middle - 6, done * w, 12, 6, ACCENT);
    this.plate(x + done * w - 4, middle - 17, 8, 34, 4, "#fff", 8);
    this.bubble = scrub === null || !length ? null : () => {
      const scene = film.scenes.findLast(({ start }) => start <= scrub * length);
      const [wide, high] = scene?.sheet.complete ? [250, 190] : [116, 50];
      const [left, top] = [Math.min(x + w - wide, Math.max(x, x + scrub * w - wide / 2)), middle - 24 - high];
      this.plate(left, top, wide, high, 16, "#303645", 24);
      this.edge(1.5, "#ffffff4d");
      if (high > 50) pen.drawImage(scene.sheet, ...scene.box, left + 6, top + 6, wide - 12, 136);
      this.text(clock(scrub * length), left, top + high - 15, wide, 0, { size: 26, weight: 600, align: "center" });
    };
  }

  button(item) {
    const { name, value, words, icons, look, colour, box: [x, y, w, h] } = item;
    const is = (kind) => look.includes(kind);
    const state = this.state(name, value);
    const [on, off, lit] = [state === "on", state === "off", this.lit.includes(nameOf(item))];
    const press = this.held.includes(nameOf(item)) ? 3 : 0;
    const dark = is("main") || (on && !is("mark") && !is("plain"));
    if (!off) this.targets.push(item);
    if (!off && !is("mark")) {
      const inset = press + (is("chip") ? 9 : 0);
      const [calm, bright] = is("main") ? ["#e6ebf5", "#fff"] : dark ? [ACCENT, "#b4d0ff"] : ["#ffffff17", "#ffffff38"];
      this.plate(x + press, y + inset, w - 2 * press, h - 2 * inset, icons.length && words.length < 3 ? 60 : 27, lit ? bright : calm);
      this.edge(lit ? 3 : 1.5, lit ? "#fff" : dark ? NONE : "#ffffff26");
    }
    const ink = off ? "#ffffff38" : is("mark") ? (on || lit ? colour : "#c9cfda99") : dark ? DARK : INK;
    const icon = icons[Number(on && icons.length > 1)];
    const side = icon && words.length > 2;
    if (icon) this.icon(icon, side ? x + 32 : x + w / 2, y + h / 2, is("mark") ? 56 + press : is("main") ? 52 : side ? 28 : 40, ink, is("mark") && on);
    this.text(words, side ? x + 50 : x, y + h / 2 + (icon && !side ? 7 : 8.5), w - (side ? 66 : 0), 0, {
      size: icon && !side ? 15 : 24, weight: 600, ink, align: side ? "left" : "center",
    });
  }

  icon(path, x, y, size, ink, full) {
    const { pen } = this;
    pen.save();
    pen.translate(x - size / 2, y - size / 2);
    pen.scale(size / 24, size / 24);
    Object.assign(pen, { strokeStyle: ink, lineWidth: 44 / size + 0.8, fillStyle: ink, shadowColor: ink, shadowBlur: full ? 16 : 0 });
    if (full) pen.fill(path);
    pen.stroke(path);
    pen.restore();
  }

  blend(top, bottom) {
    const blend = this.pen.createLinearGradient(0, 0, 0, this.height);
    blend.addColorStop(0, top);
    blend.addColorStop(1, bottom);
    return blend;
  }

  plate(x, y, w, h, round, fill, shadow = 0) {
    const { pen } = this;
    pen.beginPath();
    pen.roundRect(x, y, Math.max(0, w), h, Math.min(round, h / 2));
    Object.assign(pen, { fillStyle: fill, shadowColor: "#000b", shadowBlur: shadow * FINE });
    pen.fill();
    pen.shadowColor = NONE;
  }

  edge(width, colour) {
    Object.assign(this.pen, { strokeStyle: colour, lineWidth: width });
    this.pen.stroke();
  }

  text(words, x, y, w, h, { size, weight = 400, ink = INK, align = "left" }) {
    const { pen } = this;
    Object.assign(pen, { font: font(size, weight), textAlign: align, fillStyle: ink });
    let shown = words;
    for (let end = words.length; end && pen.measureText(shown).width > w; end -= 1) shown = `${words.slice(0, end - 1).trimEnd()}…`;
    pen.fillText(shown, x + { left: 0, center: w / 2, right: w }[align], y);
  }
}

const font = (size, weight) => `${weight} ${size}px system-ui, sans-serif`;

export const nameOf = ({ name, value }) => (value ? `${name} ${value}` : name);
