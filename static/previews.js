// Films play in their card while the mouse rests there. Loaded only where the household switched previews on.
"use strict";
(() => {
  const AFTER_MS = 600;
  const FROM = 0.1; // of its length
  let soon = 0;

  function end() {
    clearTimeout(soon);
    document.querySelector(".poster video")?.remove();
  }

  function begin(card) {
    const film = document.createElement("video");
    film.muted = film.loop = film.playsInline = true;
    film.setAttribute("aria-hidden", "true");
    film.src = new URL(card.querySelector("h2 a").href).pathname.replace("/watch/", "/video/");
    film.addEventListener("loadedmetadata", () => { film.currentTime = Number.isFinite(film.duration) ? film.duration * FROM : 0; });
    film.addEventListener("error", end);
    card.querySelector(".poster").append(film);
    film.play().catch(end);
  }

  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
    document.addEventListener("pointerover", (event) => {
      const card = event.target.closest?.(".video-card");
      if (event.pointerType !== "mouse" || card?.contains(event.relatedTarget)) return;
      end();
      if (card) soon = setTimeout(begin, AFTER_MS, card);
    });
  }
})();
