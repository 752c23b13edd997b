// A film as its watch page tells of it, and what people say of it, told to the JSON API.

const PATIENCE_MS = 15_000;
const MOST_CHIPS = 24;

async function ask(method, address, value) {
  const body = value && JSON.stringify(value);
  const headers = { Accept: "application/json", ...(body && { "Content-Type": "application/json" }) };
  const answer = await fetch(address, { method, headers, body, keepalive: true, signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => null);
  if (!answer) throw new Error("Not saved: LVS does not answer.");
  const told = await answer.json().catch(() => null);
  if (!answer.ok || !told) throw new Error(`Not saved. ${told?.detail ?? `LVS answered ${answer.status}.`}`);
  return told;
}

/** The watch page at this address. Throws an Error with a sentence for people. */
export async function openFilm(url) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => null);
  const page = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!page || !page.querySelector("#player")) throw new Error("That film cannot be opened now.");
  return new Film(page, answer.url);
}

const seconds = (clock) => clock.split(":").reduce((sum, part) => sum * 60 + parseFloat(part), 0);

export class Film {
  #last = {};
  #known = {};
  #line = Promise.resolve();

  constructor(page, url) {
    const find = (selector) => page.querySelector(selector);
    const values = (selector) => [...page.querySelectorAll(selector)].map((each) => each.value);
    const address = (selector, name) => {
      const given = find(selector)?.getAttribute(name);
      return given ? new URL(given, url).href : "";
    };
    const player = find("#player");
    const { shape = "flat", stereo = "mono", swapped, fov, lens = "" } = player.dataset;
    this.url = url;
    this.hash = find(".watch").dataset.mediaHash;
    this.title = find("h1").textContent.trim();
    this.source = address("#player[src], #player source", "src");
    this.scenesUrl = address("#player", "data-scenes");
    this.previous = address("#previous", "href");
    this.next = address("#next", "href");
    this.projection = { shape, stereo, swapped: swapped === "1", fov: Number(fov) || null, lens: lens || null };
    this.stars = values(".watch .rating [aria-pressed=true]").map(Number)[0] ?? 0;
    this.favorite = find(".watch .favorite button")?.getAttribute("aria-pressed") === "true";
    this.tags = values(".watch .tag-list [name=tag]");
    this.chips = [...new Set([...this.tags, ...values(".watch .tag-chips [name=tag]")])].slice(0, MOST_CHIPS);
    this.scenes = [];
    this.changed = false;
    this.heard = () => {}; // called with words of regret, or nothing, whenever something changed
    for (const name of ["projection", "stars", "favorite", "tags"]) this.#known[name] = this[name];
  }

  rate(stars) {
    const send = () => ask("POST", `/api/ratings/${this.hash}`, { value: stars || null });
    this.#save("stars", stars, send, (told) => told.user.value ?? 0);
  }

  like(favorite) {
    const send = () => ask(favorite ? "PUT" : "DELETE", `/api/videos/${this.hash}/favorite`);
    this.#save("favorite", favorite, send, (told) => told.favorite);
  }

  tag(name, on) {
    const tags = this.tags.filter((other) => other !== name).concat(on ? name : []);
    const send = () => ask(on ? "PUT" : "DELETE", `/api/videos/${this.hash}/tags/${encodeURIComponent(name)}`);
    this.#save("tags", tags, send, (told) => told.tags);
  }

  project(projection) {
    this.#save("projection", projection, () => ask("PUT", `/api/videos/${this.hash}/projection`, projection), () => projection);
  }

  /** Show the value at once, and the server's answer to it unless there was a later press. Requests go one after the other. */
  #save(name, value, send, read) {
    const press = this.#last[name] = {};
    this[name] = value;
    this.changed = true;
    this.heard();
    this.#line = this.#line.then(send).then(read).then((told) => { this.#known[name] = told; }, (error) => error.message)
      .then((regret) => {
        if (this.#last[name] === press) this[name] = this.#known[name];
        this.heard(regret);
      });
  }

  /** Comes back when nothing is being told to the server. */
  settled() { return this.#line; }

  /** Keep where one is. The page's own player does so by itself. */
  keepPosition(position_s) {
    const body = new URLSearchParams({ position_s: position_s.toFixed(1) });
    fetch(`/videos/${this.hash}/progress`, { method: "POST", body, keepalive: true }).catch(() => {});
  }

  countView() {
    fetch(`/api/videos/${this.hash}/views`, { method: "POST" }).catch(() => {});
  }

  /** Load the pictures of the film's scenes, where the page names a list of them: each is part of a larger picture. */
  async loadScenes() {
    if (!this.scenesUrl) return;
    const text = await (await fetch(this.scenesUrl)).text();
    const sheets = new Map();
    for (const [, start, , name, box] of text.matchAll(/([\d:.]+) --> ([\d:.]+).*\s+(\S+?)#xywh=([\d,]+)/g)) {
      const src = new URL(name, this.scenesUrl).href;
      if (!sheets.has(src)) sheets.set(src, Object.assign(new Image(), { src }));
      this.scenes.push({ start: seconds(start), sheet: sheets.get(src), box: box.split(",").map(Number) });
    }
    await Promise.all([...sheets.values()].map((sheet) => sheet.decode()));
    this.heard();
  }
}
