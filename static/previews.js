// A film plays in its card without sound: while Space says so or, where the household switched
// previews on, while the mouse rests there. One that the browser cannot play shows its scenes in
// turn.
const AFTER_MS = 600;
const FROM = 0.1; // of its length
let soon = 0;
let strips = null;

export function end() {
  clearTimeout(soon);
  document.querySelector(".poster video")?.remove();
  strips?.end();
}

function begin(card, otherwise = end) {
  end();
  const film = document.createElement("video");
  film.muted = film.loop = film.playsInline = true;
  film.setAttribute("aria-hidden", "true");
  film.src = new URL(card.querySelector("h2 a").href).pathname.replace("/watch/", "/video/");
  film.onloadedmetadata = () => {
    film.currentTime = Number.isFinite(film.duration) ? film.duration * FROM : 0;
  };
  film.onerror = otherwise;
  card.querySelector(".poster").append(film);
  film.play().catch(() => {}); // an error is told by its event
}

async function scenes(card) {
  end();
  const { scrub } = document.getElementById("gallery").dataset;
  if (!scrub) return;
  strips = await import(scrub);
  strips.play(card);
}

// Space begins and ends it; so does leaving the card.
export function toggle(card) {
  const going = card.querySelector("video, .scrub");
  end();
  if (going) return;
  begin(card, () => scenes(card));
  card.addEventListener("focusout", end, { once: true });
}

// From now on a mouse that rests on a card has its film play.
export function follow() {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const rest = (card) => {
    soon = setTimeout(begin, AFTER_MS, card);
  };
  document.addEventListener("pointerover", (event) => {
    const card = event.target.closest?.(".video-card");
    if (event.pointerType !== "mouse" || card?.contains(event.relatedTarget)) return;
    end();
    if (card) rest(card);
  });
  const under = document.querySelector(".video-card:hover");
  if (under) rest(under);
}
