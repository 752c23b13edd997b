// A film as its watch page tells of it.

const { root = "" } = document.documentElement.dataset;

async function get(url, options) {
  const answer = await fetch(url, {
    signal: AbortSignal.timeout(15_000),
    keepalive: true,
    ...options,
  }).catch(() => null);
  if (!answer) throw new Error("LVS does not answer.");
  if (answer.ok) return answer;
  throw new Error(
    (await answer.json().catch(() => ({}))).detail ?? `LVS answered ${answer.status}.`,
  );
}

/** The film of a watch page. Raises words for people. */
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
    const values = (selector) =>
      [...page.querySelectorAll(`.watch ${selector}`)].map((each) => each.value);
    const player = find("#player");
    if (!player) throw new Error("This film cannot be played now.");
    const { shape, stereo, swapped, fov, lens } = player.dataset;
    const hash = find(".watch").dataset.mediaHash;
    Object.assign(this, {
      url,
      hash,
      api: `${root}/api/videos/${hash}`,
      title: find("h1").textContent.trim(),
      source: player.src || player.querySelector("source").src,
      list: find("#scenes")?.dataset.indexUrl,
      previous: find("#previous")?.href,
      next: find("#next")?.href,
      projection: {
        shape,
        stereo,
        swapped: /1|true/.test(swapped),
        fov: Number(fov) || null,
        lens: lens || null,
      },
      stars: Number(values(".rating [aria-pressed=true]")[0] ?? 0),
      favorite: find(".watch .favorite [aria-pressed=true]") !== null,
      tags: values(".tag-list [name=tag]"),
      scenes: [],
    });
    this.chips = [...new Set([...this.tags, ...values(".tag-chips [name=tag]")])];
    Object.assign(this.#known, this);
  }

  rate(stars) {
    this.#tell(
      "stars",
      stars,
      "POST",
      `${root}/api/ratings/${this.hash}`,
      { value: stars || null },
      (told) => told.user.value ?? 0,
    );
  }

  like(favorite) {
    this.#tell("favorite", favorite, favorite ? "PUT" : "DELETE", `${this.api}/favorite`);
  }

  tag(name, on) {
    const tags = this.tags.filter((other) => other !== name).concat(on ? name : []);
    this.#tell("tags", tags, on ? "PUT" : "DELETE", `${this.api}/tags/${encodeURIComponent(name)}`);
  }

  /** Change the projection, or without a change let it be as found. */
  project(change) {
    const projection = { ...this.projection, ...change };
    this.#tell(
      "projection",
      projection,
      "PUT",
      `${this.api}/projection`,
      change ? projection : null,
      (told) => told,
    );
  }

  /** Show the value at once, the answer after, unless a later press came. */
  #tell(name, value, method, address, content, read = (told) => told[name]) {
    const press = (this.#last[name] = {});
    this[name] = value;
    this.changed = true;
    this.heard?.();
    const options =
      content === undefined
        ? {}
        : { body: JSON.stringify(content), headers: { "Content-Type": "application/json" } };
    this.#line = this.#line
      .then(() => get(address, { method, ...options }))
      .then(async (answer) => {
        this.#known[name] = read(await answer.json());
      })
      .catch((error) => `Not saved. ${error.message}`)
      .then((regret) => {
        if (this.#last[name] === press) this[name] = this.#known[name];
        this.heard?.(regret);
      });
  }

  settled() {
    return this.#line;
  }

  keepPosition(position_s) {
    get(`${root}/videos/${this.hash}/progress`, {
      method: "POST",
      body: new URLSearchParams({ position_s }),
    }).catch(() => {});
  }

  countView() {
    get(`${this.api}/views`, { method: "POST" }).catch(() => {});
  }

  /** Pictures of scenes, where the page names a list of them. */
  async loadScenes() {
    if (!this.list) return;
    const text = await (await get(this.list)).text();
    for (const [, h = 0, m, s, name, box] of text.matchAll(
      /(?:(\d+):)?(\d+):([\d.]+) -->.*\s+(\S+)#xywh=([\d,]+)/g,
    )) {
      const sheet = Object.assign(new Image(), {
        src: new URL(name, new URL(this.list, location)),
      });
      this.scenes.push({ start: h * 3600 + m * 60 + Number(s), sheet, box: box.split(",") });
    }
  }
}
