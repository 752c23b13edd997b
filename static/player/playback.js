// How a film reaches the player: as the file it is, or, where the browser refuses that or stumbles
// in it, in segments. Without this script the browser chooses among the sources by itself.

const HLS = "application/vnd.apple.mpegurl";
const POSITIONS = "lvs:positions";
const WAIT_MS = 40000; // a piece that is being made is held, not refused
const RELOAD_AFTER_MS = 2000;
const RELOAD_TRIES = 10; // it may have its old address again, if only its time was changed

const video = document.getElementById("player");
const sources = video ? [...video.querySelectorAll("source")] : [];
const direct = sources.find((source) => source.type !== HLS);
const segmented = sources.find((source) => source.type === HLS);
// Safari plays segments by itself, and better than a script could.
const scripted = "MediaSource" in window && !("ManagedMediaSource" in window);

let hls = null;
// by this script: what the browser says of the sources is of no interest any more
let taken = false;
let converted = segmented?.src.includes("play=converted") ?? false;
let library = null;

function say(words) {
  const place = document.getElementById("playback-trouble");
  if (!place) return;
  if (words) place.querySelector("span").textContent = words;
  place.hidden = false;
}

function hush() {
  const place = document.getElementById("playback-trouble");
  if (place) place.hidden = true;
}

const startPosition = () => Number(video.dataset.start) || 0;

// What this browser kept before the server did, until it is handed over.
function keptPosition() {
  try {
    const hash = video.closest("[data-media-hash]")?.dataset.mediaHash;
    const [seconds, length] = JSON.parse(localStorage.getItem(POSITIONS))?.[hash] ?? [];
    return seconds > 10 && seconds < length - 10 ? seconds : 0;
  } catch {
    return 0;
  }
}

function loadLibrary() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = video.dataset.hlsScript;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
  return library;
}

function address(whole) {
  const url = new URL(segmented.src);
  url.hash = ""; // the position is given by itself
  if (whole) url.searchParams.set("play", "converted");
  return url.href;
}

const patience = (retries) => ({
  default: {
    maxTimeToFirstByteMs: WAIT_MS,
    maxLoadTimeMs: 3 * WAIT_MS,
    timeoutRetry: { maxNumRetry: 1, retryDelayMs: 0, maxRetryDelayMs: 0 },
    errorRetry: { maxNumRetry: retries, retryDelayMs: 1000, maxRetryDelayMs: 8000 },
  },
});

// Play segments from `seconds` on. They are asked for when somebody presses play, not before; but
// by then the film is open.
async function playSegments(seconds, { whole = converted, play = false } = {}) {
  hls?.destroy();
  hls = null;
  taken = true;
  converted = whole;
  try {
    await loadLibrary();
  } catch {
    return say();
  }
  if (!window.Hls?.isSupported()) return say();
  for (const source of sources) source.remove();
  video.removeAttribute("src");
  const player = new window.Hls({
    enableWorker: false,
    testBandwidth: false,
    maxBufferLength: 12,
    backBufferLength: 30,
    startPosition: seconds || -1,
    manifestLoadPolicy: patience(0),
    playlistLoadPolicy: patience(1),
    fragLoadPolicy: patience(3),
  });
  hls = player;
  player.on(window.Hls.Events.ERROR, (_, data) => {
    if (data.fatal) failed(data);
  });
  player.attachMedia(video);
  const begin = () => player.loadSource(address(whole));
  if (play) {
    begin();
    video.play().catch(() => {}); // the browser wants a click first
  } else if (video.paused) {
    video.addEventListener("play", begin, { once: true });
    fetch(address(whole), { priority: "low" }).catch(() => {});
  } else {
    begin();
  }
}

function failed({ type, response }) {
  const at = video.currentTime;
  if (response?.code === 404) return reload(at);
  if (response?.code === 503) return giveUp(video.dataset.busy);
  if (response?.code === 504) return giveUp(video.dataset.late);
  if (type === window.Hls.ErrorTypes.MEDIA_ERROR && !converted) {
    playSegments(at, { whole: true, play: true });
    return;
  }
  giveUp();
}

function giveUp(words) {
  hls?.destroy();
  hls = null;
  say(words);
}

// The file was changed: the page knows its new address once the server has looked at it.
async function reload(at) {
  giveUp("The file was changed. LVS is looking at it.");
  video.pause();
  const { pathname } = new URL(segmented.src);
  for (let tries = 0; tries < RELOAD_TRIES; tries += 1) {
    const page = await fetch(location.href)
      .then((answer) => answer.text())
      .catch(() => pathname);
    if (!page.includes(pathname)) break;
    await new Promise((resolve) => setTimeout(resolve, RELOAD_AFTER_MS));
  }
  const url = new URL(location.href);
  url.searchParams.set("start", at.toFixed(1));
  location.replace(url);
}

// The browser gave up on the file in mid-film, or plays its sound without its picture.
function takeOver() {
  const at = video.currentTime || startPosition();
  const play = !video.paused || at > 0;
  if (!segmented) return say();
  hush();
  if (scripted) playSegments(at, { whole: true, play });
  else {
    for (const source of sources) source.remove();
    video.src = address(true);
    video.addEventListener(
      "loadedmetadata",
      () => {
        video.currentTime = at;
      },
      { once: true },
    );
    if (play) video.play().catch(() => {});
  }
}

if (video) {
  if (!startPosition() && !/[?&]start=over/.test(location.search))
    video.dataset.start = keptPosition();
  let wasDirect = direct === sources[0] && video.canPlayType(direct?.type) !== "";
  video.addEventListener("error", () => {
    if (taken || !video.error) return;
    if (wasDirect) {
      wasDirect = false;
      takeOver();
    } else say();
  });
  video.addEventListener("loadedmetadata", () => {
    if (wasDirect && !hls && !video.videoWidth && segmented) takeOver();
  });
  video.addEventListener("playing", () => {
    // nothing is converted, so nothing is slow or without its sound
    if (!wasDirect || !video.videoWidth) return;
    for (const note of ["slow-note", "soundless-note"]) document.getElementById(note)?.remove();
  });
  // What happened before this script ran.
  if (video.error) video.dispatchEvent(new Event("error"));
  sources.at(-1)?.addEventListener("error", () => {
    if (!taken) say();
  });
  if (segmented && scripted) {
    if (!wasDirect) playSegments(startPosition());
    else {
      direct.addEventListener("error", () => {
        wasDirect = false;
        playSegments(startPosition());
      });
    }
  }
}
