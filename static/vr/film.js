// A film as its watch page tells of it, and what people say of it, told to the JSON API.

async function get(url, options) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(15_000), keepalive: true, ...options }).catch(() => null);
  if (!answer) throw new Error("LVS does not answer.");
  if (answer.ok) return answer;
  throw new Error((await answer.json().catch(() => ({}))).detail ?? `LVS answered ${answer.status}.`);
}

/** The film of the watch page at this address. Throws an Error with a sentence for people, as all here does. */
export async function openFilm(url) {
  const answer = await get(url);
  return new Film(new DOMParser().parseFromString(await answer.text(), "text/html"), answer.url);
}

export class Film {
  #known = {};
  #last = {};
  #line = Promise.resolve();

  constructor(page, url) {
    const find = (selector) => page.querySelector(selector);
    const values = (selector) => [...page.querySelectorAll(`.watch ${selector}`)].map((each) => each.value);
    const address = (selector, name) => find(selector)?.hasAttribute(name) ? new URL(find(selector).getAttribute(name), url).href : "";
    const player = find("#player");
    if (!player) throw new Error("This film cannot be played now.");
    const { shape = "flat", stereo = "mono", swapped, fov, lens } = player.dataset;
    Object.assign(this, {
      url,
      hash: find(".watch").dataset.mediaHash,
      title: find("h1").textContent.trim(),
      source: address("#player[src], #player source", "src"),
      list: address("#player", "data-scenes"),
      previous: address("#previous", "href"),
      next: address("#next", "href"),
      projection: { shape, stereo, swapped: /1|true/.test(swapped), fov: Number(fov) || null, lens: lens || null },
      stars: Number(values(".rating [aria-pressed=true]")[0] ?? 0),
      favorite: find(".watch .favorite [aria-pressed=true]") !== null,
      tags: values(".tag-list [name=tag]"),
      scenes: [],
      heard: () => {}, // called after every change, with words of regret where it was not kept
    });
    this.chips = [...new Set([...this.tags, ...values(".tag-chips [name=tag]")])];
    Object.assign(this.#known, this);
  }

  rate(stars) { this.#tell("stars", stars, "POST", `/api/ratings/${this.hash}`, { value: stars || null }, (told) => told.user.value ?? 0); }

  like(favorite) { this.#say("favorite", favorite, favorite ? "PUT" : "DELETE", "favorite"); }

  tag(name, on) {
    const tags = this.tags.filter((other) => other !== name).concat(on ? name : []);
    this.#say("tags", tags, on ? "PUT" : "DELETE", `tags/${encodeURIComponent(name)}`);
  }

  /** Change the projection, or without a change let it be as found. */
  project(change) {
    const projection = { ...this.projection, ...change };
    this.#tell("projection", projection, "PUT", `/api/videos/${this.hash}/projection`, change && projection, (told) => told);
  }

  #say(name, value, method, place) {
    this.#tell(name, value, method, `/api/videos/${this.hash}/${place}`, undefined, (told) => told[name]);
  }

  /** Show the value at once, and the server's answer unless there was a later press. Requests go one after the other. */
  #tell(name, value, method, address, content, read) {
    const press = this.#last[name] = {};
    this[name] = value;
    this.changed = true;
    this.heard();
    const body = content === undefined ? content : JSON.stringify(content);
    this.#line = this.#line.then(() => get(address, { method, body, headers: body && { "Content-Type": "application/json" } }))
      .then(async (answer) => { this.#known[name] = read(await answer.json()); })
      .catch((error) => `Not saved. ${error.message}`)
      .then((regret) => {
        if (this.#last[name] === press) this[name] = this.#known[name];
        this.heard(regret);
      });
  }

  /** Comes back when all is told. */
  settled() { return this.#line; }

  /** Keep where one is in the film, as the page does for its own player. */
  keepPosition(position_s) {
    get(`/videos/${this.hash}/progress`, { method: "POST", body: new URLSearchParams({ position_s }) }).catch(() => {});
  }

  countView() { get(`/api/videos/${this.hash}/views`, { method: "POST" }).catch(() => {}); }

  /** The pictures of the film's scenes, where the page names a WebVTT list of them: each is a box of a larger picture. */
  async loadScenes() {
    if (!this.list) return;
    const text = await (await get(this.list)).text();
    for (const [, h = 0, m, s, name, box] of text.matchAll(/(?:(\d+):)?(\d+):([\d.]+) -->.*\s+(\S+)#xywh=([\d,]+)/g)) {
      const { href } = new URL(name, this.list);
      const sheet = this.scenes.find((one) => one.sheet.src === href)?.sheet ?? Object.assign(new Image(), { src: href, onload: () => this.heard() });
      this.scenes.push({ start: h * 3600 + m * 60 + Number(s), sheet, box: box.split(",").map(Number) });
    }
  }
}
