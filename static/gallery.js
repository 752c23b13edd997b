// The gallery: the filters beside it or in a sheet, and keys that rate and tag. Arrows are those of
// spatial.js.

const WIDE = matchMedia("(min-width: 68.75em)");
const YEAR_S = 365 * 24 * 3600;
const root = document.documentElement;
const byId = (id) => document.getElementById(id);

// --- Filters ---
const panel = () => byId("filters");
const isLoaded = () => Boolean(panel()?.querySelector("fieldset"));
const isBeside = () => WIDE.matches && root.dataset.filters === "open";
const isOpen = () => isBeside() || panel()?.matches(":popover-open");

function remember(state) {
  root.dataset.filters = state;
  document.cookie = `filters=${state}; max-age=${YEAR_S}; path=/; samesite=lax`;
}

// The server sends the panel with the page where it is told that it is seen.
document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  if (ctx.target?.id !== "gallery" && ctx.request.headers["HX-Target"] !== "div#gallery") return;
  if (wanted || isOpen()) ctx.request.headers["LVS-Panel"] = "1";
});

let wanted = false;
async function load() {
  wanted = true;
  const address = location.pathname + location.search;
  await window.htmx.ajax("GET", address, {
    target: "#gallery",
    select: "#gallery",
    swap: "outerMorph",
  });
  wanted = false;
}

async function toggle() {
  if (WIDE.matches) {
    if (isBeside()) return remember("closed");
    if (!isLoaded()) await load();
    return remember("open");
  }
  if (!isLoaded()) await load();
  panel().togglePopover();
  return undefined;
}

document.addEventListener("click", (event) => {
  const { target } = event;
  if (target.closest("#filters-button")) {
    event.preventDefault();
    toggle();
  }
  const closer = target.closest("[data-close]");
  if (closer && byId(closer.dataset.close)?.matches(":popover-open")) {
    event.preventDefault();
    byId(closer.dataset.close).hidePopover();
  }
});

// --- Keys on the card that has the focus ---
const link = (card) => card.querySelector("h2 a");

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
  const card = event.target.closest?.(".video-card");
  const onTitle = card && event.target === link(card);
  if (!card || event.target.closest("input, .stars:popover-open")) return;
  if (onTitle && /^[1-5]$/.test(event.key) && !event.shiftKey) {
    event.preventDefault();
    card.querySelector(`.stars [aria-label^="${event.key} "]:not([value="0"])`)?.click();
  }
  if (onTitle && event.key === " ") {
    event.preventDefault();
    import(byId("gallery").dataset.previewsScript).then(({ toggle }) => toggle(card));
  }
  if (event.key === "t" || event.key === "i") {
    event.preventDefault();
    location.assign(`${link(card).href}#tag-field`);
  }
});
