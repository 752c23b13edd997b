// Arrow keys lead from card to card and from row to row by their place on the page, as on a
// television. Enter opens; Back returns to the same card. Where one types, and where the player
// listens, they do what they always did.

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const TARGETS = "a[href], button, summary, input:not([type=hidden]), select";
const PLACE = () => `lvs:focus:${location.pathname}${location.search}`;

const typing = (element) =>
  element.matches?.(
    "input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]",
  );
const menu = () => document.querySelector("[popover]:popover-open");
const cardOf = (element) => element.closest(".video-card");
const link = (card) => card.querySelector("h2 a");

// The player, its stars and menus have keys of their own.
function left(element) {
  if (
    document.getElementById("player") &&
    !element.closest(".related, .about, .tags, .steps-row, .folded, .play-on")
  )
    return true;
  return element.closest(".stars, .grip, [data-own-keys]") !== null;
}

const box = (element) => (cardOf(element) ?? element).getBoundingClientRect();

function candidates(from) {
  const inside = menu() ?? document.querySelector("details.menu[open]") ?? document;
  const own = cardOf(from);
  return [...inside.querySelectorAll(TARGETS)].filter((each) => {
    if (each === from || each.disabled || each.tabIndex < 0 || each.closest("[hidden], .skip"))
      return false;
    const card = cardOf(each);
    if (card && (card === own || each !== link(card))) return false;
    const { width, height } = each.getBoundingClientRect();
    return (
      width > 1 && height > 1 && each.checkVisibility?.({ visibilityProperty: true }) !== false
    );
  });
}

// The nearest in a direction: first the row or column that is met first, in it what stands
// straightest.
function nearest(from, [x, y]) {
  const here = box(from);
  const middle = { x: here.left + here.width / 2, y: here.top + here.height / 2 };
  let best = null;
  let least = Infinity;
  for (const each of candidates(from)) {
    const there = box(each);
    const centre = { x: there.left + there.width / 2, y: there.top + there.height / 2 };
    const ahead = x ? (centre.x - middle.x) * x : (centre.y - middle.y) * y;
    const gap = x
      ? x > 0
        ? there.left - here.right
        : here.left - there.right
      : y > 0
        ? there.top - here.bottom
        : here.top - there.bottom;
    if (
      ahead <= 0 ||
      gap < -Math.min(x ? here.width : here.height, x ? there.width : there.height) / 2
    )
      continue;
    const aside = x
      ? Math.max(0, there.top - here.bottom, here.top - there.bottom)
      : Math.max(0, there.left - here.right, here.left - there.right);
    const off = x ? Math.abs(centre.y - middle.y) : Math.abs(centre.x - middle.x);
    if (x && aside > 0) continue; // a row is left by up and down
    const cost = Math.max(0, gap) * 10 + aside * 4 + off;
    if (cost < least) [best, least] = [each, cost];
  }
  return best;
}

function show(element) {
  document.documentElement.dataset.arrows = "";
  if (document.documentElement.dataset.size === "normal") import("./sofa.js");
  element.focus({ preventScroll: true, focusVisible: true });
  (cardOf(element) ?? element).scrollIntoView({ block: "nearest", inline: "nearest" });
}

function first() {
  const cards = [
    ...document.querySelectorAll(
      "main :is(.video-card h2, .continue, .lists, .list-items, .folder-card) a, main .person",
    ),
  ];
  return cards.find((each) => box(each).bottom > 60 && box(each).top >= 0) ?? cards[0] ?? null;
}

document.addEventListener(
  "keydown",
  (event) => {
    const direction = KEYS[event.key];
    if (
      !direction ||
      event.defaultPrevented ||
      event.ctrlKey ||
      event.altKey ||
      event.metaKey ||
      event.shiftKey
    )
      return;
    const from = event.target;
    if (typing(from) || from.matches?.("[type=radio]") || left(from)) return;
    const idle = from === document.body || from.id === "main";
    const next = idle ? first() : nearest(from, direction);
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    show(next);
  },
  true,
);

document.addEventListener("pointerdown", () => {
  delete document.documentElement.dataset.arrows;
});

// The card that was opened has the focus again after Back; films of rows and lists, and folders,
// are known by their address.
window.addEventListener("pagehide", () => {
  const active = document.activeElement;
  const place = cardOf(active)?.id ?? active.closest("main a[href]")?.href;
  try {
    if (place) sessionStorage.setItem(PLACE(), place);
    else sessionStorage.removeItem(PLACE());
  } catch {
    /* storage may be off */
  }
});

function linkAt(place) {
  const card = document.getElementById(place);
  if (card) return link(card);
  return [...document.querySelectorAll("main a[href]")].find(({ href }) => href === place);
}

async function comeBack() {
  let id = location.hash.startsWith("#video-card-") ? location.hash.slice(1) : null;
  if (performance.getEntriesByType("navigation")[0]?.type === "back_forward") {
    try {
      id = sessionStorage.getItem(PLACE()) ?? id;
    } catch {
      /* see above */
    }
  }
  // Going to a fragment ends with the focus on the page.
  if (id && document.readyState !== "complete")
    await new Promise((loaded) => {
      addEventListener("load", loaded, { once: true });
    });
  for (let tries = 0; id && tries < 20; tries += 1) {
    // runs of cards may still be on their way
    const target = linkAt(id);
    if (target && document.activeElement === document.body) {
      show(target);
      return;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
}

comeBack();
