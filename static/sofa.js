// Offers the size for a television, once: where a browser says that it is one, or arrows lead from
// card to card on a wide screen and nothing points. spatial.js loads it with the first arrow.
const STEPS = 12;
const WIDE_PX = 1280;
const TELEVISION = /\b(?:smart-?tv|tv|tizen|web0s|aft[a-z]+|bravia|crkey|hbbtv|netcast|viera)\b/i;
const KEY = "lvs:sofa";

function offered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return "always";
  }
}

function make(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function offer() {
  try {
    localStorage.setItem(KEY, "once");
  } catch {
    return;
  }
  const from = document.activeElement;
  const form = document.getElementById("display");
  const yes = make(
    "button",
    { type: "button", className: "button primary", onclick: choose },
    "TV size",
  );
  const no = make(
    "button",
    {
      type: "button",
      className: "button",
      onclick: () => {
        box.remove();
        from?.focus();
      },
    },
    "No",
  );
  const box = make(
    "div",
    { className: "toast" },
    make("p", {}, "Far from the screen? Text and cards can be larger."),
    yes,
    no,
  );
  function choose() {
    const card = from?.closest(".video-card");
    if (card) form.elements.back.value += `#${card.id}`; // the same card has the focus then
    form.requestSubmit(form.querySelector("[value=tv]"));
  }
  box.setAttribute("role", "status");
  box.dataset.seen = ""; // it stays until it is answered
  box.style.fontSize = "1.25rem"; // read from there
  document.getElementById("toasts").append(box);
  if (isTelevision) yes.focus(); // a remote has no other way there
}

const isTelevision = TELEVISION.test(navigator.userAgent);
let left = STEPS;
function count({ key }) {
  if (key.startsWith("Arrow")) left -= 1;
  if (left === 0) offer();
}

if (!offered() && innerWidth >= WIDE_PX) {
  if (isTelevision) offer();
  else {
    const stop = new AbortController();
    document.addEventListener("keydown", count, { capture: true, signal: stop.signal });
    document.addEventListener("pointermove", () => stop.abort(), { once: true });
  }
}
