// The panel in VR, drawn on a canvas after the layout in the page.

export const clock = (seconds) =>
  [3600, 60, 1]
    .map((unit) => String(Math.floor(Math.max(0, seconds || 0) / unit) % 60).padStart(2, "0"))
    .join(":")
    .replace(/^00:0?|^0/, "");

export class Panel {
  /** `state(name, value)` is "on", "off" for a button that cannot be pressed, or neither. */
  constructor({ width, height, items }, state) {
    this.items = items.map((item) => ({
      ...item,
      icons: item.icons.map((path) => new Path2D(path)),
    }));
    this.canvas = document.createElement("canvas");
    this.pen = this.canvas.getContext("2d");
    Object.assign(this, { state, width, height, page: "film", lit: [], targets: [], first: 0 });
  }

  set fine(fine) {
    this.scale = fine;
    Object.assign(this.canvas, { width: this.width * fine, height: this.height * fine });
  }

  at(u, v) {
    const [x, y] = [u * this.width, v * this.height];
    return this.targets.find(
      ({ box: [left, top, w, h] }) => x >= left && x < left + w && y >= top && y < top + h,
    );
  }

  along(u) {
    const {
      box: [x, , w],
    } = this.items.find(({ name }) => name === "seek");
    return Math.min(1, Math.max(0, (u * this.width - x) / w));
  }

  paint(film, { currentTime, duration }) {
    const { pen, width, height, notice } = this;
    const { shape, stereo } = film.projection;
    const done = currentTime / duration || 0;
    const texts = {
      title: film.title,
      notice,
      facts: notice ? "" : shape.replace("equirect", "") + (stereo === "mono" ? "" : " 3D"),
      time: clock(currentTime),
      left: duration < Infinity ? `−${clock(duration - currentTime)}` : "",
    };
    this.targets = [];
    pen.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.lineCap = pen.lineJoin = "round";
    this.plate(14, 14, width - 28, height - 28, 44, this.blend("#2d3242f5", "#12141bf5"), 14);
    this.edge(2, this.blend("#ffffff66", "#ffffff12"));
    for (const item of this.items.filter(({ page }) => page === this.page)) {
      if (item.name === "seek") this.line(item, film, done, duration);
      else if (item.name === "tag") this.chips(item, film);
      else if (item.weight) this.text(texts[item.name] ?? item.words, ...item.box, item);
      else this.button(item);
    }
  }

  chips(item, { chips }) {
    const {
      box: [left, y, w, h],
      icons,
      words,
    } = item;
    const first = this.first < chips.length ? this.first : 0;
    if (!chips.length) this.text(words, left, y + 44, w, { size: 22 });
    let [x, at] = [left, first];
    for (; at < chips.length; at += 1) {
      this.pen.font = font(24, 600);
      const wide = Math.min(300, this.pen.measureText(chips[at]).width + 72);
      if (x + wide > left + w - (at === chips.length - 1 && !first ? 0 : 84)) break;
      this.button({ ...item, value: chips[at], words: chips[at], box: [x, y, wide, h] });
      x += wide + 12;
    }
    if (at < chips.length || first)
      this.button({
        ...item,
        name: "more",
        value: at,
        words: "",
        box: [left + w - 72, y, 72, h],
        icons: [icons[2]],
      });
  }

  line(item, film, done, length) {
    const [x, y, w, h] = item.box;
    const middle = y + h / 2;
    this.targets.push(item);
    this.plate(x, middle - 6, w, 12, 6, "#ffffff30");
    this.plate(x, middle - 6, done * w, 12, 6, "#8ab6ff");
    this.plate(x + done * w - 4, middle - 17, 8, 34, 4, "#fff", 8);
    for (const { u } of this.lit.filter(({ name }) => name === "seek")) {
      const second = this.along(u) * length;
      const scene = film.scenes.findLast(({ start }) => start <= second);
      const [wide, high] = scene?.sheet.complete ? [250, 190] : [116, 50];
      const [left, top] = [
        Math.min(x + w - wide, Math.max(x, u * this.width - wide / 2)),
        middle - 24 - high,
      ];
      this.plate(left, top, wide, high, 16, "#303645", 24);
      this.edge(1.5, "#ffffff4d");
      if (high > 50)
        this.pen.drawImage(scene.sheet, ...scene.box, left + 6, top + 6, wide - 12, 136);
      this.text(clock(second), left, top + high - 15, wide, {
        size: 26,
        weight: 600,
        align: "center",
      });
    }
  }

  /** Fills and inks: plain, lit, on, both. */
  button(item) {
    const {
      name,
      value,
      words,
      icons,
      fills,
      inks,
      edges,
      size,
      inset,
      glow,
      box: [x, y, w, h],
    } = item;
    const state = this.state(name, value);
    const [on, off] = [state === "on", state === "off"];
    const lit = this.lit.some((one) => one.name === nameOf(item));
    if (!off) {
      this.targets.push(item);
      this.plate(x, y + inset, w, h - 2 * inset, item.round, fills[2 * on + lit]);
      this.edge(lit ? 3 : 1.5, edges[Number(lit)]);
    }
    const ink = off ? "#ffffff38" : inks[Number(on || (lit && glow))];
    const icon = icons[Number(on && icons.length > 1)];
    const side = icon && words.length > 2;
    if (icon) this.icon(icon, side ? x + 32 : x + w / 2, y + h / 2, size, ink, glow && on);
    this.text(
      words,
      side ? x + 50 : x,
      y + h / 2 + (icon && !side ? 7 : 8.5),
      w - (side ? 66 : 0),
      {
        ink,
        size: icon && !side ? 15 : 24,
        weight: 600,
        align: side ? "left" : "center",
      },
    );
  }

  icon(path, x, y, size, ink, full) {
    const { pen } = this;
    pen.save();
    pen.translate(x - size / 2, y - size / 2);
    pen.scale(size / 24, size / 24);
    Object.assign(pen, {
      strokeStyle: ink,
      lineWidth: 44 / size + 0.8,
      fillStyle: ink,
      shadowColor: ink,
      shadowBlur: full ? 16 : 0,
    });
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
    pen.roundRect(x, y, w, h, round);
    Object.assign(pen, { fillStyle: fill, shadowColor: "#000b", shadowBlur: shadow * this.scale });
    pen.fill();
    pen.shadowColor = "#0000";
  }

  edge(width, colour) {
    Object.assign(this.pen, { strokeStyle: colour, lineWidth: width });
    this.pen.stroke();
  }

  text(words, x, y, w, { size, weight = 400, ink = "#f2f4f8", align = "left" }) {
    const { pen } = this;
    Object.assign(pen, { font: font(size, weight), textAlign: align, fillStyle: ink });
    let shown = words;
    for (let end = words.length; end && pen.measureText(shown).width > w; end -= 1)
      shown = `${words.slice(0, end - 1).trimEnd()}…`;
    pen.fillText(shown, x + { left: 0, center: w / 2, right: w }[align], y);
  }
}

const font = (size, weight) => `${weight} ${size}px system-ui, sans-serif`;

export const nameOf = ({ name, value }) => (value ? `${name} ${value}` : name);
