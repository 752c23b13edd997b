// What stays as it was chosen: the speed on this device, the languages with the person who watches.
// The screen stays awake while a film plays, and a button opens the small window
// (picture-in-picture).

const SPEED = "lvs:speed";

const video = document.getElementById("player");
const small = document.getElementById("small-window");

function keep(name, value) {
  const address = `${document.documentElement.dataset.root ?? ""}/languages`;
  if (value) navigator.sendBeacon(address, new URLSearchParams({ [name]: value }));
}

function recallSpeed() {
  try {
    return Number(localStorage.getItem(SPEED)) || 1;
  } catch {
    return 1;
  }
}

function speed() {
  const kept = recallSpeed();
  if (kept !== 1)
    video.defaultPlaybackRate = video.playbackRate = Math.min(4, Math.max(0.25, kept));
  video.addEventListener("ratechange", () => {
    if (!video.playbackRate) return;
    try {
      localStorage.setItem(SPEED, String(video.playbackRate));
    } catch {
      /* storage may be off */
    }
    video.defaultPlaybackRate = video.playbackRate; // a source that is loaded later begins with it
  });
}

function subtitles() {
  let shown = null; // known once the page's own choice is in place
  const now = () =>
    [...video.textTracks].find((track) => track.mode === "showing")?.language || "off";
  setTimeout(() => {
    shown = now();
  }, 1000);
  video.textTracks.addEventListener("change", () => {
    if (shown === null || now() === shown) return;
    shown = now();
    keep("subtitles", shown);
  });
}

function sound() {
  const form = document.querySelector(".playback-choice");
  const field = form?.elements.namedItem("audio");
  if (field) form.addEventListener("submit", () => keep("sound", field.selectedOptions[0]?.lang));
}

let lock = null;
async function awake() {
  try {
    lock =
      video.paused || document.hidden
        ? (await lock?.release(), null)
        : (lock ?? (await navigator.wakeLock.request("screen")));
  } catch {
    lock = null; /* the battery is low, or the page is not secure */
  }
}

function smallWindow() {
  if (!small || !document.pictureInPictureEnabled) return;
  small.hidden = false;
  small.addEventListener("click", () => {
    if (document.pictureInPictureElement) document.exitPictureInPicture();
    else video.requestPictureInPicture().catch(() => {});
  });
  for (const event of ["enterpictureinpicture", "leavepictureinpicture"]) {
    video.addEventListener(event, () =>
      small.setAttribute("aria-pressed", document.pictureInPictureElement === video),
    );
  }
}

if (video) {
  speed();
  subtitles();
  sound();
  smallWindow();
  if (navigator.wakeLock) {
    for (const event of ["play", "pause", "ended"]) video.addEventListener(event, awake);
    document.addEventListener("visibilitychange", () => {
      lock = null;
      awake();
    });
  }
}
