// Puts a playlist, or saved views, in order: by dragging a grip, or with the arrow keys on it. Home
// and End lead to the ends of what is shown. The list says where to send that to (data-move), or
// each item for itself. Without this script each place has its buttons up and down.

let dragged = null;

const list = () => document.getElementById("items");
const places = () => [...list().children];

function say(words) {
  let place = document.getElementById("order-note");
  if (!place) {
    place = Object.assign(document.createElement("p"), { id: "order-note", className: "unseen" });
    place.setAttribute("role", "status");
    list().before(place);
  }
  place.textContent = words;
}

// The server renumbers places, so the list comes back anew; what was moved keeps the focus.
async function send(item, target) {
  const number = places().indexOf(target);
  const body = new URLSearchParams({
    position: item.dataset.position,
    to: target.dataset.position,
  });
  list().setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(item.dataset.move ?? list().dataset.move, { method: "POST", body });
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser()
      .parseFromString(await answer.text(), "text/html")
      .getElementById("items");
    list().replaceWith(document.adoptNode(fresh));
  } catch {
    location.reload(); // the list as it is
    return;
  }
  tend();
  places()[number].querySelector(".grip").focus();
  say(`Now at place ${number + 1} of ${places().length}`);
}

function toward(item, key) {
  const all = places();
  const at = all.indexOf(item);
  const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: all.length - 1 }[key];
  return to === undefined || to === at ? null : (all[to] ?? null);
}

function over(event) {
  if (!dragged) return;
  event.preventDefault();
  const item = document.elementFromPoint(event.clientX, event.clientY)?.closest("#items > li");
  for (const each of places()) each.classList.toggle("drop", each === item && each !== dragged);
}

function drop() {
  const target = list().querySelector(".drop");
  const item = dragged;
  for (const each of places()) each.classList.remove("drop", "dragged");
  dragged = null;
  if (item && target) send(item, target);
}

function tend() {
  for (const grip of list().querySelectorAll(".grip")) {
    grip.hidden = false;
    grip.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      dragged = grip.closest("li");
      dragged.classList.add("dragged");
      grip.setPointerCapture(event.pointerId);
    });
    grip.addEventListener("pointermove", over);
    grip.addEventListener("pointerup", drop);
    grip.addEventListener("pointercancel", () => {
      for (const each of places()) each.classList.remove("drop", "dragged");
      dragged = null;
    });
    grip.addEventListener("keydown", (event) => {
      const target = toward(grip.closest("li"), event.key);
      if (!target || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation();
      send(grip.closest("li"), target);
    });
  }
}

if (list()) tend();
