// What follows a film: at its end a card counts down to the next one of the list it was opened
// from. Without this script the links to the films before and behind it lead along the list.

const COUNT_S = 8;
const SWITCH = "lvs:play-on";
const PLAY = "#play"; // in an address: the film starts by itself

const video = document.getElementById("player");
const card = document.getElementById("play-on");
const waiting = document.getElementById("play-wait");
const label = document.getElementById("play-on-switch");
const box = label?.querySelector("input");

let timer = 0;
let left = 0;

function wanted() {
  try {
    return localStorage.getItem(SWITCH) !== "off";
  } catch {
    return true;
  }
}

function stop() {
  clearInterval(timer);
  timer = 0;
  if (card) card.hidden = true;
}

function show() {
  card.querySelector(".play-on-count").textContent = timer ? `in ${left} s` : "";
}

function go() {
  stop();
  location.assign(document.getElementById("play-now").href);
}

function ended() {
  if (!card || video.loop) return;
  // the card stands beside it
  if (document.fullscreenElement === video) document.exitFullscreen().catch(() => {});
  clearInterval(timer);
  timer = 0;
  left = COUNT_S;
  if (wanted()) {
    timer = setInterval(() => {
      left -= 1;
      if (left > 0) show();
      else go();
    }, 1000);
  }
  card.hidden = false;
  show();
  const title = card.querySelector(".play-on-title").textContent;
  card.querySelector("[role=status]").textContent = timer
    ? `Up next in ${COUNT_S} seconds`
    : "Up next";
  card.setAttribute("aria-label", title);
  if (document.activeElement === document.body || document.activeElement === video)
    document.getElementById("play-now").focus();
}

// Where the browser forbids sound, the card waits for a press.
async function start() {
  try {
    await video.play();
  } catch (error) {
    if (error.name === "NotAllowedError") {
      waiting.hidden = false;
      waiting.querySelector("button").focus();
    }
  }
}

if (video) {
  video.addEventListener("ended", ended);
  for (const event of ["play", "seeking"])
    video.addEventListener(event, () => {
      if (!video.ended) stop();
    });
  video.addEventListener("playing", () => {
    waiting.hidden = true;
  });
  waiting.querySelector("button").addEventListener("click", () => video.play().catch(() => {}));
  document.getElementById("play-cancel")?.addEventListener("click", () => {
    stop();
    video.focus();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && timer) stop();
  });
  if (box) {
    label.hidden = false;
    box.checked = wanted();
    box.addEventListener("change", () => {
      try {
        localStorage.setItem(SWITCH, box.checked ? "on" : "off");
      } catch {
        /* storage may be off */
      }
      if (!box.checked && timer) stop();
    });
  }
  if (location.hash === PLAY) {
    history.replaceState(history.state, "", location.pathname + location.search);
    start();
  }
}
