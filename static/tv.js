// In the size for a television Enter plays a film in full screen, and Escape leads back to its
// list. Arrows are those of spatial.js.

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (
    event.defaultPrevented ||
    document.fullscreenElement ||
    document.querySelector("[popover]:popover-open")
  )
    return;
  const player = document.getElementById("player");
  const idle = target === document.body || target.id === "main" || target === player;
  if (key === "Escape" && !target.matches("input, select, textarea"))
    document.getElementById("back")?.click();
  if (key !== "Enter" || !idle || !player) return;
  event.preventDefault();
  player.play();
  (player.controls ? player : player.closest(".player")).requestFullscreen?.();
});
