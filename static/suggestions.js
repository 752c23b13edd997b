// Suggestions below the search field: arrows lead along them, Escape closes them. Enter in the
// field shows the whole list.
const form = document.getElementById("search");
const field = document.getElementById("q");
const links = () => [...form.querySelectorAll(".suggestions a")];
const box = () => document.getElementById("suggestions");

form.addEventListener(
  "keydown",
  (event) => {
    const all = links();
    const at = all.indexOf(document.activeElement);
    if (event.key === "Escape" && all.length) {
      event.preventDefault();
      box()?.replaceChildren();
      field.focus();
    }
    if (!all.length || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    const next = at + (event.key === "ArrowDown" ? 1 : -1);
    (next < 0 ? field : all[Math.min(next, all.length - 1)]).focus();
  },
  true,
);
field.addEventListener("input", () => {
  if (!field.value.trim()) box()?.replaceChildren();
});
