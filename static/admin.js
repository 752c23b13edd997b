// What the dashboard cannot do alone: rest while nobody sees it, and say which tile has had no
// answer, and since when.
"use strict";
(() => {
  const tiles = () => document.querySelectorAll(".tile");
  const isTile = (element) => Boolean(element?.matches?.(".tile"));

  // A tab that nobody sees asks for nothing; seen again, it asks at once.
  document.addEventListener("htmx:config:request", (event) => {
    const source = event.detail.ctx.sourceElement;
    if (document.hidden && isTile(source) && event.detail.ctx.request.method === "GET")
      event.preventDefault();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    for (const tile of tiles()) window.htmx.trigger(tile, "tile:refresh");
  });

  const answered = new Map(); // id of a tile: when its last answer came
  const began = Date.now();

  function noAnswer(tile) {
    const since = new Date(answered.get(tile.id) ?? began);
    let note = tile.querySelector(".no-answer");
    if (note) return;
    note = document.createElement("p");
    note.className = "no-answer";
    note.setAttribute("role", "status");
    note.textContent = `No answer since ${since.toLocaleTimeString()}. This is how it stood then.`;
    tile.querySelector("header").after(note);
  }

  function wellAnswered(tile) {
    answered.set(tile.id, Date.now());
    tile.querySelector(".no-answer")?.remove();
  }

  document.addEventListener("htmx:error", (event) => {
    const source = event.detail.ctx?.sourceElement;
    if (isTile(source)) noAnswer(source);
  });
  document.addEventListener("htmx:after:request", (event) => {
    const { sourceElement: source, response } = event.detail.ctx;
    if (!isTile(source) || !response) return;
    if (response.status < 400) wellAnswered(source);
    else noAnswer(source);
  });
})();
