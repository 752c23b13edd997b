// Sends where the film stands, so that every device goes on from there.
// Without this script nothing is sent, and the address of the film still says where to begin (#t=).

const EVERY_MS = 9500; // with what the server waits, no more than ten seconds are lost
const SEEK_END_MS = 500; // one who drags the slider stops somewhere

const video = document.getElementById("player");
const url = video?.dataset.progressUrl;
const start = Number(video?.dataset.start) || 0;
const end = Number(video?.dataset.length) || Infinity;

let at = 0;
let sent = -1;
let sentAt = 0;
let moved = false; // somebody played or sought: opening a page says nothing
let seekTimer = 0;

function send() {
  if (!moved || at === sent) return;
  sent = at;
  sentAt = Date.now();
  navigator.sendBeacon(url, new URLSearchParams({ position_s: Math.min(at, end).toFixed(2) }));
}

function follow() {
  if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || video.seeking) return false;
  at = video.currentTime;
  return true;
}

function begin() {
  if (start && !video.currentSrc.includes("#t=") && video.currentTime < 1)
    video.currentTime = start;
}

function startOver(event) {
  event.preventDefault();
  video.currentTime = 0;
  document.getElementById("resume").remove();
  video.focus();
}

if (url) {
  if (video.readyState) begin();
  else video.addEventListener("loadedmetadata", begin, { once: true });
  video.addEventListener("playing", () => {
    moved = true;
  });
  video.addEventListener("timeupdate", () => {
    if (follow() && !video.paused && Date.now() - sentAt >= EVERY_MS) send();
  });
  video.addEventListener("seeked", () => {
    if (!follow()) return;
    moved ||= Math.abs(at - start) > 1;
    clearTimeout(seekTimer);
    seekTimer = setTimeout(send, SEEK_END_MS);
  });
  for (const event of ["pause", "ended"])
    video.addEventListener(event, () => {
      if (follow()) send();
    });
  const leave = () => {
    follow();
    send();
  };
  // Before the next page is asked for, which shows where films were left.
  window.navigation?.addEventListener("navigate", leave);
  window.addEventListener("pagehide", leave);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) leave();
  });
  document.getElementById("start-over")?.addEventListener("click", startOver);
}
