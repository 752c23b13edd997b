// A card's poster shows the scenes of its film: along the mouse, or along a finger after a long
// press.
const REST_MS = 120; // a mouse that only passes asks for nothing
const PRESS_MS = 450;
const MOVED_PX = 10;
const SCENE_MS = 500;
const strips = new Map();
let open = null; // { poster, layer, line, label, strip }
let timer = 0;
let pressed = null; // where a finger went down
let ended = 0; // when a finger that scrubbed was lifted: its click opens nothing

const CUE = /([\d:.]+) --> ([\d:.]+)\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)/g;
const seconds = (text) => text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
const clock = (at) =>
  [at / 3600, (at / 60) % 60, at % 60]
    .map((part) => String(Math.floor(part)).padStart(2, "0"))
    .join(":")
    .replace(/^[0:]{1,4}/, "");

// The scenes of a card's film; null where none are made.
function stripOf(card) {
  const key = /[?&]v=([0-9a-f]{16})/.exec(card.querySelector(".poster img")?.src ?? "")?.[1];
  if (!key) return null;
  const root = document.documentElement.dataset.root ?? "";
  const address = `${root}/scenes/${card.dataset.mediaHash}.vtt?v=${key}`;
  if (!strips.has(key)) strips.set(key, load(address));
  return strips.get(key);
}

async function load(address) {
  const answer = await fetch(address).catch(() => null);
  if (!answer?.ok) return null;
  const scenes = [...(await answer.text()).matchAll(CUE)].map(([, start, end, sheet, ...box]) => {
    const [x, y, width, height] = box.map(Number);
    return { start: seconds(start), end: seconds(end), sheet, x, y, width, height };
  });
  if (!scenes.length) return null;
  const sheet = new Image();
  sheet.src = new URL(scenes[0].sheet, new URL(address, location.href)).href;
  await sheet.decode().catch(() => {});
  return sheet.naturalWidth ? { scenes, sheet } : null;
}

const make = (tag, className) => Object.assign(document.createElement(tag), { className });

function begin(card, strip) {
  end();
  const layer = make("div", "scrub");
  const [picture, line, label] = [
    make("div", "scrub-picture"),
    make("div", "scrub-line"),
    make("span", "badge length"),
  ];
  const { width, height } = strip.scenes[0];
  picture.style.aspectRatio = `${width} / ${height}`;
  picture.style.backgroundImage = `url("${strip.sheet.src}")`;
  const { naturalWidth, naturalHeight } = strip.sheet;
  const share = (whole, one) => `${(whole / one) * 100}%`;
  picture.style.backgroundSize = `${share(naturalWidth, width)} ${share(naturalHeight, height)}`;
  layer.setAttribute("aria-hidden", "true");
  layer.append(picture, line, label);
  card.querySelector(".poster").append(layer);
  open = { card, layer, picture, line, label, strip };
}

function show(x) {
  const { left, width } = open.layer.getBoundingClientRect();
  const part = Math.min(1, Math.max(0, (x - left) / width));
  const { scenes, sheet } = open.strip;
  const scene = scenes[Math.min(scenes.length - 1, Math.floor(part * scenes.length))];
  const place = (at, whole, one) => (whole > one ? `${(at / (whole - one)) * 100}%` : "0%");
  const across = place(scene.x, sheet.naturalWidth, scene.width);
  const down = place(scene.y, sheet.naturalHeight, scene.height);
  open.picture.style.backgroundPosition = `${across} ${down}`;
  open.line.style.width = `${part * 100}%`;
  open.label.textContent = clock(scene.start);
}

export function end() {
  clearTimeout(timer);
  open?.layer.remove();
  open = null;
}

const cardAt = ({ target, clientX, clientY }) => {
  const card = target.closest?.(".video-card");
  const box = card?.querySelector(".poster").getBoundingClientRect();
  const inside =
    box &&
    clientX >= box.left &&
    clientX <= box.right &&
    clientY >= box.top &&
    clientY <= box.bottom;
  return inside ? card : null;
};

async function start(card, x, still) {
  const strip = await stripOf(card);
  if (!strip || !still()) return;
  begin(card, strip);
  show(x);
}

// All scenes in turn, for a film that the browser cannot play.
export async function play(card) {
  const strip = await stripOf(card);
  if (!strip || !card.contains(document.activeElement)) return;
  begin(card, strip);
  const mine = open;
  const step = (number) => {
    const { left, width } = mine.layer.getBoundingClientRect();
    if (open !== mine || !width) return;
    show(left + (width * (number + 0.5)) / strip.scenes.length);
    timer = setTimeout(step, SCENE_MS, (number + 1) % strip.scenes.length);
  };
  step(0);
}

// --- Mouse ---
let over = null;
let at = 0;
document.addEventListener(
  "pointermove",
  (event) => {
    if (event.pointerType !== "mouse") return;
    at = event.clientX;
    const card = cardAt(event);
    if (open && card === open.card) return show(at);
    if (card === over) return;
    over = card;
    end();
    if (card) timer = setTimeout(() => start(card, at, () => over === card), REST_MS);
  },
  { passive: true },
);
document.addEventListener("mouseleave", () => {
  over = null;
  end();
});
window.addEventListener("pagehide", end);

// --- Touch ---
document.addEventListener(
  "touchstart",
  (event) => {
    end();
    const touch = event.touches[0];
    const card =
      event.touches.length === 1 &&
      cardAt({ target: event.target, clientX: touch.clientX, clientY: touch.clientY });
    pressed = card ? { card, x: touch.clientX, y: touch.clientY } : null;
    const mine = pressed;
    if (mine) timer = setTimeout(() => start(card, mine.x, () => pressed === mine), PRESS_MS);
  },
  { passive: true },
);
document.addEventListener(
  "touchmove",
  (event) => {
    const touch = event.touches[0];
    if (open && pressed) {
      event.preventDefault(); // the page stays while the finger scrubs
      show(touch.clientX);
    } else if (
      pressed &&
      Math.hypot(touch.clientX - pressed.x, touch.clientY - pressed.y) > MOVED_PX
    ) {
      clearTimeout(timer);
      pressed = null;
    }
  },
  { passive: false },
);
for (const event of ["touchend", "touchcancel"]) {
  document.addEventListener(event, () => {
    if (open && pressed) ended = Date.now();
    pressed = null;
    end();
  });
}
document.addEventListener(
  "click",
  (event) => {
    if (Date.now() - ended < 500 && event.target.closest?.(".video-card")) event.preventDefault();
  },
  true,
);
document.addEventListener("contextmenu", (event) => {
  if (pressed && event.target.closest?.(".video-card")) event.preventDefault();
});
