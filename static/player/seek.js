// Links that seek: scenes and chapters. Without this script each opens the page anew, at its place.

const video = document.getElementById("player");
const links = (selector) => [...document.querySelectorAll(selector)];
const time = (link) => Number(link.dataset.seek);
const NEAR_S = 3; // so soon after its start, "previous" means the chapter before

function seek(seconds) {
  video.currentTime = seconds;
  video.play().catch(() => {}); // the browser wants a click first
}

// A player that has loaded nothing cannot seek yet: the link is followed then.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-seek]");
  if (
    !link ||
    !video?.readyState ||
    event.ctrlKey ||
    event.metaKey ||
    event.shiftKey ||
    event.button
  )
    return;
  event.preventDefault();
  seek(time(link));
  if (document.fullscreenElement === null) video.scrollIntoView({ block: "nearest" });
});

function chapter(step) {
  const starts = links("[data-chapter]").map(time);
  const at = video.currentTime;
  const next =
    step > 0
      ? starts.find((start) => start > at + 0.1)
      : (starts.findLast((start) => start < at - NEAR_S) ?? starts[0]);
  if (next !== undefined) seek(next);
}

document.addEventListener("keydown", (event) => {
  if (!video?.readyState || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target.closest("input, select, textarea")) return;
  const step = { N: 1, P: -1 }[event.key];
  if (!step || !document.querySelector("[data-chapter]")) return;
  event.preventDefault();
  chapter(step);
});

// Where the film is in each list; a strip is one stop of the Tab key, and arrows lead along it.
function follow() {
  for (const list of links(".scenes ol:has(a), .chapters ol")) {
    const items = [...list.querySelectorAll("a")];
    const here = items.findLast((link) => time(link) <= video.currentTime + 0.05) ?? items[0];
    if (here.ariaCurrent === "true") continue;
    for (const link of items) {
      link.ariaCurrent = link === here ? "true" : null;
      if (!list.contains(document.activeElement)) link.tabIndex = link === here ? 0 : -1;
    }
    if (!list.matches(":hover, :focus-within")) {
      const { offsetLeft, offsetTop } = here.parentElement;
      list.scrollTo({
        left: offsetLeft - list.clientWidth / 3,
        top: offsetTop - list.clientHeight / 3,
      });
    }
  }
}

document.addEventListener(
  "keydown",
  (event) => {
    const list = event.target.closest?.(".scenes ol, .chapters ol");
    if (!list) return;
    const items = [...list.querySelectorAll("a")];
    const at = items.indexOf(event.target.closest("a"));
    const to = {
      ArrowLeft: at - 1,
      ArrowUp: at - 1,
      ArrowRight: at + 1,
      ArrowDown: at + 1,
      Home: 0,
      End: items.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const next = items[Math.min(Math.max(0, to), items.length - 1)];
    for (const link of items) link.tabIndex = link === next ? 0 : -1;
    next.focus();
  },
  true,
);

if (video) {
  for (const event of ["timeupdate", "seeked", "loadedmetadata"])
    video.addEventListener(event, follow);
  document.addEventListener("htmx:after:swap", follow); // a strip that was made meanwhile
  follow();
}
