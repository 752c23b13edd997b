// A long press on a card of the gallery, a click with Shift, or x begins to select with it. A press
// on a poster that shows the scenes of its film is for these.
const PRESS_MS = 650;
const STILL_PX = 10;

const cardOf = (event) => event.target.closest?.(".video-card[data-media-hash]");
function begin(card) {
  const link = document.getElementById("select");
  if (!link || document.querySelector(".scrub")) return;
  const address = new URL(link.href);
  address.searchParams.set("chosen", card.dataset.mediaHash);
  location.assign(address);
}

const { scrub, previewsScript, hover } = document.getElementById("gallery")?.dataset ?? {};
addEventListener(
  "pointerover",
  () => {
    if (scrub) import(scrub);
    if (hover === "") import(previewsScript).then(({ follow }) => follow());
  },
  { once: true },
);

let timer = 0;
let from = null;
document.addEventListener("pointerdown", (event) => {
  const card = cardOf(event);
  if (!card || event.pointerType !== "touch" || event.target.closest("button, form")) return;
  from = { x: event.clientX, y: event.clientY };
  timer = setTimeout(() => begin(card), PRESS_MS);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "x" && !event.ctrlKey && !event.metaKey && cardOf(event)) begin(cardOf(event));
});
const stop = () => {
  clearTimeout(timer);
  from = null;
};
document.addEventListener("pointermove", (event) => {
  if (from && Math.hypot(event.clientX - from.x, event.clientY - from.y) > STILL_PX) stop();
});
for (const name of ["pointerup", "pointercancel", "scroll"])
  document.addEventListener(name, stop, { passive: true });
document.addEventListener("contextmenu", (event) => {
  if (from && cardOf(event)) event.preventDefault();
});
document.addEventListener(
  "click",
  (event) => {
    const card = cardOf(event);
    if (!card || !event.shiftKey || event.target.closest("button, form")) return;
    event.preventDefault();
    begin(card);
  },
  { capture: true },
);
