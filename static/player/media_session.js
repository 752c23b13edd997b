// What lock screens, headphones and keyboards with media keys show and do (Media Session, W3C).
// The links to the next and the previous film stand on the page.

const video = document.getElementById("player");
const session = navigator.mediaSession;
const SEEK_S = 10;

function describe() {
  const poster = video.poster;
  session.metadata = new MediaMetadata({
    title: document.querySelector(".title h1")?.textContent.trim() ?? document.title,
    artist: "LVS",
    artwork: poster ? [{ src: poster }] : [],
  });
}

function position() {
  if (!Number.isFinite(video.duration) || video.currentTime > video.duration) return;
  session.setPositionState({
    duration: video.duration,
    playbackRate: video.playbackRate,
    position: video.currentTime,
  });
}

function seek(seconds) {
  video.currentTime = Math.min(Math.max(0, seconds), video.duration || 0);
}

const follow = (id) => {
  const link = document.getElementById(id);
  return link
    ? () => {
        location.assign(`${link.href}#play`);
      }
    : null;
};

if (video && session && "MediaMetadata" in window) {
  const actions = {
    play: () => video.play(),
    pause: () => video.pause(),
    seekbackward: ({ seekOffset }) => seek(video.currentTime - (seekOffset || SEEK_S)),
    seekforward: ({ seekOffset }) => seek(video.currentTime + (seekOffset || SEEK_S)),
    seekto: ({ seekTime }) => seek(seekTime),
    nexttrack: follow("next"),
    previoustrack: follow("previous"),
  };
  for (const [action, react] of Object.entries(actions)) {
    try {
      session.setActionHandler(action, react);
    } catch {
      /* an action this browser does not know */
    }
  }
  video.addEventListener("play", describe);
  for (const event of ["loadedmetadata", "seeked", "ratechange", "play"])
    video.addEventListener(event, position);
  for (const event of ["play", "pause", "ended"]) {
    video.addEventListener(event, () => {
      session.playbackState = video.paused ? "paused" : "playing";
    });
  }
}
