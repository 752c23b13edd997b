// One film after the other without waiting: the next one is fetched ahead, with its first bytes,
// and what was decided is sent behind the change of the picture. Without this script every button
// is a form.

const HLS = "application/vnd.apple.mpegurl";
const PARTIAL = { "HX-Request": "true", "HX-Request-Type": "partial" };
const LATEST_UNDOS = 50;

const root = document.getElementById("triage");
const films = `${document.documentElement.dataset.root ?? ""}/videos`;
const undoForm = document.getElementById("triage-undo");
const film = () => root.querySelector(".triage-film");
const player = (within = film()) => within.querySelector("video");
const say = (words) => {
  document.getElementById("triage-note").textContent = words;
};

const counts = {
  done: Number(root.dataset.done),
  left: Number(root.dataset.left),
};
const undos = []; // what was decided, the latest last: {hash, did, behind, counts}
const fresh = new Map(); // tags that were typed here, for the films that were fetched before
let ahead = null; // {behind, film}: the promise of the film behind that place
let muted = true;
let going = false;

// --- What is sent, one after the other ---
let queue = Promise.resolve();

async function post(address, values) {
  const body = new URLSearchParams(values);
  const answer = await fetch(address, { method: "POST", body, headers: PARTIAL, keepalive: true });
  if (answer.status === 429) {
    const seconds = Number(answer.headers.get("Retry-After")) || 3;
    await new Promise((resolve) => {
      setTimeout(resolve, seconds * 1000);
    });
    return post(address, values);
  }
  if (!answer.ok) throw new Error(answer.status);
  return answer;
}

function send(address, values, title) {
  queue = queue
    .then(() => post(address, values))
    .catch(() => {
      say(
        `LVS did not take the change of “${title}”. ` +
          "See that it runs, then decide that film again.",
      );
    });
  return queue;
}

// --- Films ---
function address(place, more = {}) {
  const url = new URL(place, location.href);
  for (const [name, value] of Object.entries(more)) {
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  return url.pathname + url.search;
}

async function fetchFilm(place) {
  const answer = await fetch(place, { headers: PARTIAL });
  if (!answer.ok) throw new Error(answer.status);
  const box = document.createElement("template");
  box.innerHTML = await answer.text();
  const found = box.content.firstElementChild;
  player(found)?.removeAttribute("autoplay"); // not before it is seen
  document.adoptNode(found);
  if (player(found)) prepare(player(found));
  return found;
}

function prepare(video) {
  video.muted = muted;
  video.querySelector("source:last-of-type")?.addEventListener("error", () => inSegments(video));
  if (!video.isConnected)
    video.load(); // the first bytes come now
  // all were refused before this script ran
  else if (video.networkState === HTMLMediaElement.NETWORK_NO_SOURCE) inSegments(video);
}

async function inSegments(video) {
  const source = [...video.querySelectorAll("source")].find((each) => each.type === HLS);
  if (!source || video.dataset.segmented) return;
  video.dataset.segmented = "1";
  if (!window.Hls) {
    await new Promise((resolve) => {
      document.head.append(
        Object.assign(document.createElement("script"), {
          src: video.dataset.hlsScript,
          onload: resolve,
          onerror: resolve,
        }),
      );
    });
  }
  if (!window.Hls?.isSupported()) return;
  const url = new URL(source.src);
  url.hash = "";
  video.hls = new window.Hls({
    startPosition: Number(video.dataset.start) || 0,
    maxBufferLength: 10,
  });
  video.hls.loadSource(url.href);
  video.hls.attachMedia(video);
  if (video.isConnected) video.play().catch(() => null);
}

function release(old) {
  // gives its connection back
  const video = player(old);
  if (!video) return;
  video.hls?.destroy();
  video.pause();
  for (const source of video.querySelectorAll("source")) source.remove();
  video.removeAttribute("src");
  video.load();
}

function fetchAhead() {
  const behind = film().dataset.behind;
  if (ahead?.behind === behind) return;
  ahead?.film.then((unused) => unused && release(unused));
  ahead = behind
    ? {
        behind,
        film: fetchFilm(address(behind, { done: counts.done })).catch(() => null),
      }
    : null;
}

function showCounts() {
  document.getElementById("triage-left").textContent = counts.left.toLocaleString("en");
  const bar = document.getElementById("triage-bar");
  bar.max = Math.max(1, counts.done + counts.left);
  bar.value = counts.done;
}

function show(next) {
  const old = film();
  const key = old.contains(document.activeElement) ? document.activeElement.dataset.key : "";
  addFresh(next);
  old.replaceWith(next);
  release(old);
  const video = player(next);
  if (video) {
    video.muted = muted;
    video.play().catch(() => null);
  }
  if (key)
    (
      next.querySelector(`[data-key="${key}"]:not(input)`) ?? next.querySelector("button, a")
    )?.focus({ preventScroll: true });
  showCounts();
  say(next.querySelector("h1").textContent);
  if (next.dataset.behind) fetchAhead();
}

function offerUndo() {
  const last = undos.at(-1);
  undoForm.hidden = !last;
  if (!last) return;
  undoForm.elements.video.value = last.hash;
  undoForm.elements.did.value = last.did;
  undoForm.action = address(last.behind, { done: counts.done }).replace(
    /\/triage(?=\?|$)/,
    "/triage/undo",
  );
}

// --- Deciding ---
async function goOn(did) {
  const now = film();
  const { behind, mediaHash: hash } = now.dataset;
  const before = { ...counts };
  const kept = ahead?.behind === behind ? await ahead.film : null;
  counts.done += 1;
  counts.left = Math.max(0, counts.left - 1);
  const here = address(behind, { done: counts.done, prev: hash, did });
  const next = kept ?? (await fetchFilm(here).catch(() => null));
  if (!next?.dataset.mediaHash) {
    // the end, whose words depend on what was decided
    await queue;
    location.assign(here);
    return;
  }
  undos.push({ hash, did, behind, before });
  undos.splice(0, undos.length - LATEST_UNDOS);
  ahead = null;
  show(next);
  history.replaceState(null, "", here);
  offerUndo();
}

async function decide(button) {
  if (going) return; // a press is meant for the film that one sees
  going = true;
  const now = film();
  const { mediaHash: hash, rating } = now.dataset;
  const title = now.querySelector("h1").textContent;
  let did = "passed";
  if (button.name === "rating") {
    if (button.value !== rating) did = "rated";
    send(`${films}/${hash}/rating`, { value: button.value }, title);
  } else if (button.value === "hide") {
    did = "hidden";
    send(`${films}/${hash}/hidden`, { value: 1 }, title);
  }
  try {
    await goOn(did);
  } finally {
    going = false;
  }
}

async function undo() {
  const last = undos.pop();
  if (!last) {
    // of the page before this one: a plain form
    await queue;
    undoForm.submit();
    return;
  }
  going = true;
  const place = address(last.behind, {
    film: last.hash,
    done: last.before.done,
  });
  await send(
    undoForm.getAttribute("action"),
    { video: last.hash, did: last.did },
    "the film before",
  );
  const back = await fetchFilm(place).catch(() => null);
  going = false;
  if (!back?.dataset.mediaHash) {
    location.assign(place);
    return;
  }
  Object.assign(counts, last.before);
  show(back);
  history.replaceState(null, "", place);
  offerUndo();
}

function toggle(button) {
  const on = button.getAttribute("aria-pressed") !== "true";
  const hash = film().dataset.mediaHash;
  const title = film().querySelector("h1").textContent;
  button.setAttribute("aria-pressed", on);
  if (button.name === "tag")
    send(`${films}/${hash}/tags${on ? "" : "/remove"}`, { tag: button.value }, title);
  else send(button.form.action, { value: on ? 1 : 0 }, title);
}

// --- Tags that are typed ---
const sameTag = (one, other) => one.toLowerCase() === other.toLowerCase();
const chipOf = (name, within) =>
  [...within.querySelectorAll('[name="tag"][aria-pressed]')].find((each) =>
    sameTag(each.value, name),
  );

function addChip(name, on, within) {
  const form = Object.assign(document.createElement("form"), {
    className: "triage-toggle",
    method: "post",
  });
  const button = Object.assign(document.createElement("button"), {
    className: "triage-button",
    name: "tag",
    value: name,
  });
  button.setAttribute("aria-pressed", on);
  button.append(Object.assign(document.createElement("bdi"), { textContent: name }));
  form.append(button);
  within.querySelector(".triage-new").before(form);
}

function addFresh(next) {
  if (!next.querySelector(".triage-new")) return;
  for (const name of fresh.values()) if (!chipOf(name, next)) addChip(name, false, next);
}

function addTag(form) {
  const field = form.elements.tag;
  const name = field.value.trim().replace(/^#+/, "").trim();
  if (!name) return;
  field.value = "";
  const known = chipOf(name, film());
  if (known) {
    if (known.getAttribute("aria-pressed") !== "true") toggle(known);
  } else {
    fresh.set(name.toLowerCase(), name);
    addChip(name, true, film());
    send(form.action, { tag: name }, film().querySelector("h1").textContent);
  }
  field.blur(); // the next key decides
}

// --- Clicks and keys ---
root.addEventListener("submit", (event) => {
  const form = event.target;
  event.preventDefault();
  if (form === undoForm) undo();
  else if (form.matches(".triage-decide")) decide(event.submitter);
  else if (form.matches(".triage-toggle")) toggle(event.submitter);
  else addTag(form);
});

root.addEventListener("click", (event) => {
  // A hand that shakes presses twice: the second press would decide a film that nobody has seen.
  if (event.detail > 1 && event.target.closest(".triage-decide")) event.preventDefault();
  const scene = event.target.closest("[data-seek]");
  if (!scene || !player()) return;
  event.preventDefault();
  player().currentTime = Number(scene.dataset.seek);
  player()
    .play()
    .catch(() => null);
});

root.addEventListener(
  "volumechange",
  ({ target }) => {
    if (target === player()) muted = target.muted;
  },
  { capture: true },
);

function playKey(key, target) {
  if (!player()) return false;
  if (key === "m") {
    player().muted = !player().muted;
    return true;
  }
  if (key !== "k" && (key !== " " || target.closest("button, a, video"))) return false;
  if (player().paused) player().play();
  else player().pause();
  return true;
}

document.addEventListener(
  "keydown",
  (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    if (event.target.closest("input, textarea, select")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const key = event.key === "Backspace" ? "z" : event.key === "n" ? "s" : event.key;
    const target = [...root.querySelectorAll("[data-key]")].find(
      (each) => each.dataset.key === key && each.checkVisibility(),
    );
    if (!target && !playKey(key, event.target)) return;
    event.preventDefault();
    event.stopPropagation();
    if (target?.matches("input")) target.focus();
    else target?.click();
  },
  { capture: true },
);

if (player()) {
  prepare(player());
  player()
    .play()
    .catch(() => null);
}
if (film().dataset.behind) fetchAhead();
