// Controls for far away: in the large sizes a bar of our own lies over the film, with targets of 56
// px. Without this script, and for films of spheres, the browser's controls stay.

const SHOWN_MS = 3000;
const DOUBLE_MS = 350;
const STEP_S = 10;
const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];

const video = document.getElementById("player");
const box = video?.closest(".player");
const isFar = () => ["large", "tv"].includes(document.documentElement.dataset.size);
const isFlat = video?.dataset.shape === "flat" && video.dataset.stereo === "mono";
const clock = (seconds) =>
  [seconds / 3600, (seconds / 60) % 60, seconds % 60]
    .map((part) => String(Math.floor(part)).padStart(2, "0"))
    .join(":")
    .replace(/^[0:]{1,4}/, "");

const SHAPES = {
  next: "M6 5l9 7-9 7zM18 5v14",
  pause: "M8 5v14M16 5v14",
  play: "M8 5l11 7-11 7z",
  whole: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
};
const drawn = (shape) =>
  `<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="${SHAPES[shape]}"/></svg>`;

function button(name, content, act) {
  const made = Object.assign(document.createElement("button"), {
    type: "button",
    innerHTML: content,
    onclick: act,
  });
  made.setAttribute("aria-label", name);
  return made;
}

const jump = (seconds) => {
  video.currentTime = Math.min(Math.max(0, video.currentTime + seconds), video.duration || 0);
};
const playOrPause = () => (video.paused ? video.play() : video.pause());
const whole = () =>
  document.fullscreenElement ? document.exitFullscreen() : box.requestFullscreen?.();

function faster() {
  const next = SPEEDS.find((speed) => speed > video.playbackRate + 0.01) ?? SPEEDS[0];
  video.playbackRate = next;
}

function nextSubtitles() {
  const tracks = [...video.textTracks];
  const at = tracks.findIndex((track) => track.mode === "showing");
  for (const track of tracks) track.mode = "disabled";
  if (tracks[at + 1]) tracks[at + 1].mode = "showing";
}

function build() {
  const bar = document.createElement("div");
  bar.className = "far";
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", "Player");
  const seek = Object.assign(document.createElement("input"), {
    type: "range",
    min: 0,
    max: 1000,
    value: 0,
  });
  seek.setAttribute("aria-label", "Place in the film");
  const picture = Object.assign(document.createElement("span"), {
    className: "far-picture",
    hidden: true,
  });
  const play = button("Play", drawn("play"), playOrPause);
  const time = Object.assign(document.createElement("span"), { className: "far-time" });
  const subtitles = button("Subtitles", "CC", nextSubtitles);
  const speed = button("Speed", "1×", faster);
  const next = button("Next video", drawn("next"), () =>
    document.getElementById("next").click(),
  );
  const row = document.createElement("div");
  row.append(
    button("10 seconds back", "‹ 10", () => jump(-STEP_S)),
    play,
    button("10 seconds on", "10 ›", () => jump(STEP_S)),
    time,
    subtitles,
    speed,
    next,
    button("Full screen", drawn("whole"), whole),
  );
  bar.append(picture, seek, row);

  const length = () => video.duration || Number(video.dataset.length) || 0;
  // The scene that plays where the seek bar is held, where there are scenes.
  function look() {
    const at = (seek.value / 1000) * length();
    const scene = [...document.querySelectorAll(".scenes a[data-seek]")].findLast(
      (each) => Number(each.dataset.seek) <= at,
    );
    picture.hidden = !scene;
    if (scene) picture.replaceChildren(scene.querySelector("svg").cloneNode(true));
    time.textContent = `${clock(at)} / ${clock(length())}`;
  }
  let held = false;
  seek.addEventListener("input", () => {
    held = true;
    look();
  });
  seek.addEventListener("change", () => {
    held = false;
    picture.hidden = true;
    video.currentTime = (seek.value / 1000) * length();
  });
  function follow() {
    if (play.dataset.paused !== `${video.paused}`) {
      play.dataset.paused = video.paused;
      play.innerHTML = drawn(video.paused ? "play" : "pause");
    }
    play.setAttribute("aria-label", video.paused ? "Play" : "Pause");
    speed.textContent = `${video.playbackRate}×`;
    speed.setAttribute("aria-label", `Speed ${video.playbackRate}×`);
    subtitles.hidden = !video.textTracks.length;
    next.hidden = !document.getElementById("next");
    if (held) return;
    seek.value = length() ? (video.currentTime / length()) * 1000 : 0;
    time.textContent = `${clock(video.currentTime)} / ${clock(length())}`;
    seek.setAttribute("aria-valuetext", time.textContent);
  }
  for (const event of [
    "play",
    "pause",
    "timeupdate",
    "ratechange",
    "loadedmetadata",
    "durationchange",
    "seeked",
  ]) {
    video.addEventListener(event, follow);
  }
  follow();
  return bar;
}

let bar = null;
let timer = 0;
function wake() {
  if (!bar) return;
  box.classList.remove("far-asleep");
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (!video.paused && !bar.matches(":focus-within, :hover")) box.classList.add("far-asleep");
  }, SHOWN_MS);
}

// A press plays and pauses; two at a side jump.
let last = 0;
function press(event) {
  if (!bar) return;
  const { left, width } = video.getBoundingClientRect();
  const part = (event.clientX - left) / width;
  const isDouble = event.timeStamp - last < DOUBLE_MS;
  last = event.timeStamp;
  if (isDouble && (part < 1 / 3 || part > 2 / 3)) jump(part < 0.5 ? -STEP_S : STEP_S);
  playOrPause(); // the second press takes back what the first one did
}

function choose() {
  if (isFar() === Boolean(bar)) return;
  bar?.remove();
  bar = isFar() ? build() : null;
  video.controls = !bar;
  if (bar) box.append(bar);
  wake();
}

if (video && isFlat) {
  choose();
  new MutationObserver(choose).observe(document.documentElement, {
    attributeFilter: ["data-size"],
  });
  for (const event of ["pointermove", "pointerdown", "keydown", "focusin"])
    box.addEventListener(event, wake);
  document.addEventListener("keydown", wake);
  for (const event of ["play", "pause"]) video.addEventListener(event, wake);
  video.addEventListener("click", press);
}
