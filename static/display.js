// Display settings take effect at once, and the server remembers them. Loaded when their panel is
// opened first.
const root = document.documentElement;

document.addEventListener("submit", async (event) => {
  const { target: form, submitter: button } = event;
  if (form.id !== "display" || !button) return;
  event.preventDefault();
  root.dataset[button.name] = button.value;
  for (const other of form.querySelectorAll(`[name="${button.name}"]`)) {
    other.setAttribute("aria-pressed", other === button);
  }
  if (root.dataset.size === "tv") import("./tv.js");
  const body = new URLSearchParams(new FormData(form));
  body.set(button.name, button.value);
  const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(
    () => null,
  );
  if (answer?.status < 400) return;
  const detail = "That setting holds for this page only: LVS could not be told to remember it.";
  document.dispatchEvent(new CustomEvent("lvs:trouble", { detail }));
});
