// The searches made last, below an empty search field. This browser alone knows them. Loaded when
// the field is focused first.

const KEY = "lvs:searches";
const MOST = 5;
const form = document.getElementById("search");
const field = document.getElementById("q");
const box = Object.assign(document.createElement("div"), { className: "suggestions" });
form.append(box);
// its keys, where a page has it not yet
if (!document.getElementById("suggestions")) import("./suggestions.js");

// Storage may be off or full: then nothing is remembered.
function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
}

function keep(searches) {
  try {
    localStorage.setItem(KEY, JSON.stringify(searches.slice(0, MOST)));
  } catch {
    /* see above */
  }
}

function remember() {
  const words = field.value.trim();
  if (words.length > 1)
    keep([words, ...kept().filter((other) => other.toLowerCase() !== words.toLowerCase())]);
}

function line(tag, properties, icon, words) {
  const [item, inside] = [
    document.createElement("li"),
    Object.assign(document.createElement(tag), properties),
  ];
  if (icon) inside.append(icon.cloneNode(true));
  inside.append(Object.assign(document.createElement("bdi"), { textContent: words }));
  item.append(inside);
  return item;
}

function show() {
  box.replaceChildren();
  const searches = field.value.trim() ? [] : kept();
  if (!searches.length) return;
  const list = Object.assign(document.createElement("ul"), { className: "panel" });
  list.setAttribute("aria-label", "Recent searches");
  const address = (words) => `${form.action}?${new URLSearchParams({ q: words })}`;
  list.append(
    ...searches.map((words) =>
      line("a", { href: address(words) }, form.querySelector("button .icon"), words),
    ),
  );
  const forget = () => {
    keep([]);
    show();
    field.focus();
  };
  list.append(
    line(
      "button",
      { type: "button", className: "button quiet", onclick: forget },
      null,
      "Forget these",
    ),
  );
  box.append(list);
}

field.addEventListener("focus", show);
field.addEventListener("input", show);
field.addEventListener("change", remember);
form.addEventListener("submit", remember);
form.addEventListener("keydown", (event) => {
  if (event.key === "Escape") box.replaceChildren();
});
show();
