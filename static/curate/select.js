// Choosing many cards: Shift for ranges, dragging over them, a long press on touch. Without it
// every card is a checkbox.
const bar = document.getElementById("bulk");
const every = document.getElementById("all");
const count = document.getElementById("chosen-count");
const none = document.getElementById("choose-none");
const LONG_PRESS_MS = 450;
const STILL_PX = 10;

const boxes = () => [...document.querySelectorAll(".choice-card input")];
const boxOf = (element) => element?.closest?.(".choice-card")?.querySelector("input") ?? null;

function tell() {
  const chosen = boxes().filter((box) => box.checked).length;
  count.textContent = every.checked ? "" : `${chosen.toLocaleString()} selected`;
  none.hidden = every.checked || !chosen;
  bar.classList.toggle("nothing-chosen", !every.checked && !chosen);
  document.body.classList.toggle("all-chosen", every.checked);
}

// --- Ranges ---
let last = null; // the card that was changed last
function setRange(from, to, value) {
  const all = boxes();
  const [start, end] = [all.indexOf(from), all.indexOf(to)].sort((a, b) => a - b);
  if (start < 0) return;
  for (const box of all.slice(start, end + 1)) box.checked = value;
}

document.addEventListener("click", (event) => {
  const box = boxOf(event.target);
  if (!box || event.target !== box) return; // a click on the label clicks the box, too
  if (event.shiftKey && last && last !== box) setRange(last, box, box.checked);
  last = box;
  tell();
});
document.addEventListener("change", tell);
none.addEventListener("click", () => {
  for (const box of boxes()) box.checked = false;
  tell();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.target.closest("input:not([type=checkbox]), select")) return;
  every.checked = false;
  for (const box of boxes()) box.checked = false;
  tell();
});

// --- Dragging: from one card to another, all between get what the first one got ---
let drag = null; // {first, value, before}
let press = 0;
let began = null;

function startDrag(box) {
  drag = {
    first: box,
    value: !box.checked,
    before: new Map(boxes().map((each) => [each, each.checked])),
  };
  box.checked = drag.value;
  last = box;
  tell();
}

function dragTo(x, y) {
  const box = boxOf(document.elementFromPoint(x, y));
  if (!box) return;
  for (const [each, value] of drag.before) each.checked = value;
  setRange(drag.first, box, drag.value);
  tell();
}

document.addEventListener("pointerdown", (event) => {
  const box = boxOf(event.target);
  if (!box || event.button !== 0 || event.shiftKey) return;
  began = { box, x: event.clientX, y: event.clientY };
  if (event.pointerType === "touch") {
    press = setTimeout(() => {
      startDrag(box);
      navigator.vibrate?.(15);
    }, LONG_PRESS_MS);
  }
});
document.addEventListener("pointermove", (event) => {
  if (drag) return dragTo(event.clientX, event.clientY);
  if (!began) return;
  if (Math.hypot(event.clientX - began.x, event.clientY - began.y) < STILL_PX) return;
  clearTimeout(press);
  if (event.pointerType !== "touch" && event.buttons === 1) startDrag(began.box);
  else began = null;
});
// While one drags by touch the page is not to scroll.
document.addEventListener(
  "touchmove",
  (event) => {
    if (!drag) return;
    event.preventDefault();
    dragTo(event.touches[0].clientX, event.touches[0].clientY);
  },
  { passive: false },
);
function end() {
  clearTimeout(press);
  began = null;
  if (!drag) return;
  drag = null;
  // The click that ends a drag would turn the card over once more.
  const swallow = (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  document.addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => document.removeEventListener("click", swallow, { capture: true }), 0);
}
document.addEventListener("pointerup", end);
document.addEventListener("pointercancel", () => {
  if (!drag) end();
});
document.addEventListener("touchend", end);
document.addEventListener("dragstart", (event) => {
  if (boxOf(event.target)) event.preventDefault();
});
document.addEventListener("contextmenu", (event) => {
  if (drag || (press && began)) event.preventDefault();
});

// --- The form ---
// A download is no part of the page: the browser sends the form itself.
bar.addEventListener(
  "click",
  (event) => {
    const button = event.target.closest("[data-download]");
    if (!button) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const form = document.createElement("form");
    Object.assign(form, { method: "post", action: bar.action, hidden: true });
    form.setAttribute("hx-disable", "");
    for (const [name, value] of [...new FormData(bar), [button.name, button.value]]) {
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    }
    document.body.append(form);
    HTMLFormElement.prototype.submit.call(form);
    form.remove();
  },
  { capture: true },
);

document.addEventListener("htmx:after:swap", (event) => {
  const target = event.detail.ctx?.target;
  if (event.detail.ctx?.sourceElement === bar)
    for (const field of bar.querySelectorAll(".bulk-field .field")) field.value = "";
  if (target) tell();
});
tell();
