// Copies the path of a library folder. Clipboards are for secure pages only: elsewhere the button
// stays away.

for (const button of navigator.clipboard ? document.querySelectorAll("[data-copy]") : []) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    document.getElementById("said").textContent = "Copied";
    button.classList.add("done");
  });
}
