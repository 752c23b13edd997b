// Keys of the watch page: play, seek, volume, speed, and the films beside this one.

const video = document.getElementById("player");
const byId = (id) => document.getElementById(id);

const clock = (seconds) =>
  [seconds / 3600, (seconds / 60) % 60, seconds % 60]
    .map((part) => String(Math.floor(part)).padStart(2, "0"))
    .join(":")
    .replace(/^[0:]{1,4}/, "");

let noteTimer = 0;
function note(words) {
  const place = byId("player-note");
  place.replaceChildren(words);
  clearTimeout(noteTimer);
  noteTimer = setTimeout(() => place.replaceChildren(), 1200);
}

const seek = (seconds) => {
  video.currentTime = Math.min(Math.max(0, video.currentTime + seconds), video.duration || 0);
  note(clock(video.currentTime));
};
const step = (direction) => {
  video.pause();
  seek(direction / video.dataset.frameRate);
};
const louder = (change) => {
  video.volume = Math.min(1, Math.max(0, video.volume + change));
  note(`Volume ${Math.round(video.volume * 100)} %`);
};
const faster = (change) => {
  video.playbackRate = Math.min(4, Math.max(0.25, video.playbackRate + change));
  note(`Speed ${video.playbackRate}×`);
};
const playOrPause = () => (video.paused ? video.play() : video.pause());

const beside = {
  t: () => {
    const field = byId("tag-field");
    field.closest("details").open = true;
    field.focus();
  },
  n: () => byId("next")?.click(),
  p: () => byId("previous")?.click(),
};
const playing = {
  " ": playOrPause,
  k: playOrPause,
  j: () => seek(-10),
  l: () => seek(10),
  ArrowLeft: () => seek(-5),
  ArrowRight: () => seek(5),
  ArrowUp: () => louder(0.1),
  ArrowDown: () => louder(-0.1),
  ",": () => step(-1),
  ".": () => step(1),
  "<": () => faster(-0.25),
  ">": () => faster(0.25),
  f: () =>
    document.fullscreenElement
      ? document.exitFullscreen()
      : (video.controls ? video : video.closest(".player")).requestFullscreen?.(),
  m: () => {
    video.muted = !video.muted;
    note(video.muted ? "Sound off" : "Sound on");
  },
};

function action({ key, code, shiftKey, target }) {
  if (beside[key]) return beside[key];
  if (!video) return null;
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(code)?.[1]; // by place: some layouts shift for digits
  if (digit && !shiftKey)
    return () => seek(((video.duration || 0) * digit) / 10 - video.currentTime);
  if (key === " " && ((target === video && video.controls) || target.closest("a, button, summary")))
    return null; // the browser plays and pauses
  if (/^Arrow(Up|Down)$/.test(key) && ![document.body, byId("main"), video].includes(target))
    return null; // lets a list scroll
  return playing[key] ?? null;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target.closest("input, select, textarea")) return;
  const react = action(event);
  if (!react) return;
  event.preventDefault();
  react();
});

// One view for each visit.
video?.addEventListener("play", () => {
  const key = `lvs:viewed:${video.closest(".watch").dataset.mediaHash}`;
  try {
    if (sessionStorage.getItem(key)) return;
    sessionStorage.setItem(key, "true");
  } catch {
    /* storage may be off: then it counts each time */
  }
  window.htmx?.trigger(document.querySelector(".views"), "video:played");
});

if (location.hash === "#tag-field") beside.t();
