// Subtitles earlier or later, smaller or larger, at once: the page itself does both only when it is
// loaded again. The size stays as it was chosen on this device.

const SIZE = "lvs:cues";

const video = document.getElementById("player");
const fields = document.querySelector(".playback-choice")?.elements;
const delay = fields?.namedItem("delay");
const size = fields?.namedItem("cues");
const moved = new WeakMap(); // seconds that each cue was moved by this script

function move() {
  // the server did the rest
  const wanted = (Number(delay.value) || 0) - (Number(delay.defaultValue) || 0);
  for (const { cues } of video.textTracks) {
    for (const cue of [...(cues ?? [])]) {
      const by = wanted - (moved.get(cue) ?? 0);
      if (!by) continue;
      moved.set(cue, wanted);
      cue.startTime += by;
      cue.endTime += by;
    }
  }
}

function resize() {
  video.dataset.cues = size.value;
  try {
    localStorage.setItem(SIZE, size.value);
  } catch {
    /* storage may be off */
  }
}

function recall() {
  try {
    return localStorage.getItem(SIZE);
  } catch {
    return null;
  }
}

if (video && delay && size) {
  const kept = recall();
  if (kept && !size.value && [...size.options].some(({ value }) => value === kept)) {
    size.value = video.dataset.cues = kept;
  }
  delay.addEventListener("input", move);
  size.addEventListener("change", resize);
  for (const track of video.querySelectorAll("track")) track.addEventListener("load", move);
}
