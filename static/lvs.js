// What pages cannot do alone. Without it, and without htmx, every link and form still works.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const find = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);
  const on = (event, react, within = document, options) =>
    within.addEventListener(event, react, options);
  const tell = (element, event) => element && window.htmx?.trigger(element, event);

  // Storage may be off or full: then nothing is remembered.
  const recall = (store, key) => {
    try {
      return JSON.parse(window[store].getItem(key));
    } catch {
      return null;
    }
  };
  const remember = (store, key, value) => {
    try {
      window[store].setItem(key, JSON.stringify(value));
    } catch {
      /* see above */
    }
  };

  // --- Toasts ---
  const TOAST_MS = 8000;
  const MOST_TOASTS = 3;

  function toast(message) {
    const box = make("div", { className: "toast bad" });
    const dismiss = make("button", { type: "button", className: "button", textContent: "Dismiss" });
    box.setAttribute("role", "alert");
    dismiss.dataset.dismiss = "";
    box.append(make("p", { textContent: message }), dismiss);
    byId("toasts").append(box);
    tendToasts();
  }

  on("lvs:trouble", ({ detail }) => toast(detail));

  function tendToasts() {
    const boxes = all(".toast");
    for (const box of boxes)
      if (boxes.findLast((other) => other.textContent === box.textContent) !== box) box.remove();
    all(".toast")
      .slice(0, -MOST_TOASTS)
      .forEach((old) => old.remove());
    for (const box of all(".toast[role=status]:not([data-seen])")) {
      box.dataset.seen = "";
      const leave = () =>
        box.matches(":hover, :focus-within") ? setTimeout(leave, 1000) : box.remove();
      setTimeout(leave, TOAST_MS);
    }
  }

  let leaving = false;
  on(
    "pagehide",
    () => {
      leaving = true;
    },
    window,
  );

  on("htmx:error", (event) => {
    const source = event.detail.ctx?.sourceElement;
    if (
      leaving ||
      !source ||
      source.matches(".run, .library-status, .views, .tile, #tag-field, #q")
    )
      return;
    toast(
      "LVS does not answer, so nothing was changed. " +
        "See that it runs and that this device is on the network, then try again.",
    );
  });

  // A hand that shakes presses twice: the second press must not clear the stars that the first one
  // gave.
  on(
    "click",
    (event) => {
      if (event.detail > 1 && event.target.closest(".stars [aria-pressed=true]"))
        event.preventDefault();
    },
    document,
    true,
  );

  // --- Gallery ---
  const distant = (element) => {
    const { top, bottom } = element.getBoundingClientRect();
    return bottom < -innerHeight || top > 2 * innerHeight;
  };

  // Runs of cards far from the window are refreshed when one comes near them.
  const approach = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        approach.unobserve(target);
        tell(target, "run:stale");
      }
    },
    { rootMargin: "100%" },
  );

  on("htmx:config:request", (event) => {
    const { ctx } = event.detail;
    const source = ctx.sourceElement;
    if (source.matches(".run") && distant(source)) {
      event.preventDefault();
      approach.observe(source);
    }
    if (source.id === "search") {
      const { body } = ctx.request;
      const sent = [...body];
      for (const [name] of sent) body.delete(name);
      // "any" need not stand in the address
      for (const [name, value] of sent) if (value !== "") body.append(name, value);
      // words of the search that set filters stand in the panel, whose boxes have the last word
      if (ctx.sourceEvent.type === "change") body.set("q", byId("gallery").dataset.q);
      if (ctx.sourceEvent.type !== "change" && /[?&]q=/.test(location.search))
        [ctx.push, ctx.replace] = [null, "true"];
    }
  });

  // A morph changes what boxes start as; what they are must follow, unless one types there.
  function followFilters(gallery) {
    for (const box of all("#filters input")) {
      box.checked = box.defaultChecked;
      if (box !== document.activeElement) box.value = box.defaultValue;
    }
    for (const option of all("#filters option")) option.selected = option.defaultSelected;
    const field = byId("q");
    if (field !== document.activeElement) field.value = gallery.dataset.q;
    closeMenus();
  }

  const closeMenus = (except) => {
    for (const menu of all(".menu[open]")) if (menu !== except) menu.open = false;
  };
  on("click", (event) => {
    closeMenus(event.target.closest(".menu"));
    event.target.closest(".title h1")?.classList.toggle("whole");
    event.target.closest("[data-dismiss]")?.closest(".toast").remove();
  });

  // Where one was in a list: the first card in view, for a Back that loads the page anew.
  const placeKey = () => `lvs:place:${location.pathname}${location.search}`;
  function keepPlace() {
    if (!byId("gallery")) return;
    const card = all(".video-card").find((one) => one.getBoundingClientRect().bottom > 80);
    remember(
      "sessionStorage",
      placeKey(),
      card && scrollY > 0 ? { id: card.id, top: card.getBoundingClientRect().top } : null,
    );
  }
  const swapped = () =>
    new Promise((resolve) => {
      on("htmx:after:swap", resolve, document, { once: true });
      setTimeout(resolve, 3000);
    });
  async function returnToPlace() {
    const place = recall("sessionStorage", placeKey());
    if (!place || !byId("gallery")) return;
    for (let round = 0; round < 100 && !byId(place.id) && byId("more"); round += 1) {
      tell(byId("more"), "click");
      await swapped();
    }
    for (let frame = 0; frame < 10 && byId(place.id); frame += 1) {
      // cards above take their height as they come into view
      scrollBy({
        top: byId(place.id).getBoundingClientRect().top - place.top,
        behavior: "instant",
      });
      await new Promise(requestAnimationFrame);
    }
  }
  on("pagehide", keepPlace, window);
  on("htmx:before:history:update", keepPlace);
  on(
    "pageshow",
    (event) => {
      leaving = false;
      const again = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
      if (!event.persisted && again) returnToPlace();
      // stars may have been given meanwhile
      if (event.persisted || again) tell(document, "library:changed");
    },
    window,
  );

  byId("q")?.addEventListener(
    "focus",
    () => {
      import("./recent.js");
    },
    { once: true },
  );

  // A poster that comes late fades in over its colour.
  on(
    "load",
    ({ target }) => {
      if (
        target.matches?.(".poster img") &&
        !matchMedia("(prefers-reduced-motion: reduce)").matches
      )
        target.animate({ opacity: [0.1, 1] }, 120);
    },
    document,
    true,
  );

  // Positions that this browser kept before the server did are handed over once.
  if (recall("localStorage", "lvs:positions")) import("./positions.js");

  // A film's stars are one stop of the Tab key; arrows, Home and End lead along them, as in a
  // toolbar of WAI-ARIA.
  function oneStop(stars) {
    const stop =
      find(":focus", stars) ?? find("[aria-pressed=true]", stars) ?? stars.firstElementChild;
    for (const star of stars.children) star.tabIndex = star === stop ? 0 : -1;
  }

  // What was pressed is gone: the next thing like it takes the focus, so that keys go on from
  // there.
  function keepFocusNear(target) {
    find(
      ".tag-list button, .edit-tags summary, .add-tag summary, .stars [tabindex='0'], button",
      byId(target?.id) ?? document,
    )?.focus({ preventScroll: true });
  }

  function tend() {
    tendToasts();
    all(".stars").forEach(oneStop);
  }
  on("htmx:after:swap", (event) => {
    const { sourceElement: source, target } = event.detail.ctx;
    tend();
    if (target?.id === "gallery") followFilters(target);
    if (target === document.body) returnToPlace(); // Back within the gallery
    // to what the answer says: empty, or what was refused
    if (source.matches?.(".add-tag")) source.reset();
    if (source.matches?.(".rating")) find(".stars", source)?.hidePopover?.();
    if (source.matches?.(".toast")) source.remove(); // it was taken back
    if (source.matches?.(".tag-list, .toast") && document.activeElement === document.body)
      keepFocusNear(target);
  });
  tend();
  find(".admin-nav [aria-current]")?.scrollIntoView({
    block: "nearest",
    inline: "center",
    behavior: "instant",
  });

  // --- The poster that is pressed becomes the player, and back ---
  const posterOf = (address) => {
    const path = address && new URL(address).pathname;
    const link = all(".video-card h2 a, .related a, .continue a").find(
      (each) => new URL(each.href).pathname === path,
    );
    return link && find(".poster", link.closest(".video-card") ?? link);
  };
  const asFilm = (poster, transition) => {
    if (!poster || !transition) return;
    poster.style.viewTransitionName = "film";
    transition.finished.finally(() => {
      poster.style.viewTransitionName = "";
    });
  };
  on(
    "pageswap",
    ({ viewTransition, activation }) => {
      const poster = posterOf(activation?.entry?.url);
      if (poster && find(".player")) find(".player").style.viewTransitionName = "none";
      asFilm(poster, viewTransition);
    },
    window,
  );
  on(
    "pagereveal",
    ({ viewTransition }) => {
      if (!find(".player"))
        asFilm(posterOf(window.navigation?.activation?.from?.url), viewTransition);
    },
    window,
  );

  // --- Keys ---
  const press = (selector, within) => find(selector, within)?.click();

  // 0 clears: it is what the lit star sends. A star that is lit already stays so.
  function rate(scope, digit) {
    press(
      digit === "0" ? '.stars [value="0"]' : `.stars [aria-label^="${digit} "]:not([value="0"])`,
      scope,
    );
  }

  const anywhere = {
    r: () => press('.places [href$="/random"]'),
    z: () => press("#toasts > :last-child [data-undo]"),
    "?": () => byId("keys").togglePopover?.(),
    "/": () => {
      byId("q").focus();
      byId("q").select();
    },
  };

  function keyAction(event) {
    const { key, code, shiftKey, target } = event;
    const stars = target.closest(".stars");
    if (stars) {
      const to = {
        ArrowLeft: target.previousElementSibling ?? target,
        ArrowRight: target.nextElementSibling ?? target,
        Home: stars.firstElementChild,
        End: stars.lastElementChild,
      }[key];
      if (to)
        return () => {
          to.focus();
          oneStop(stars);
        };
    }
    if (anywhere[key]) return anywhere[key];
    const scope = target.closest(".video-card") ?? find(".watch");
    if (!scope) return null;
    // by place: some layouts shift for digits
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(code)?.[1];
    if (digit && shiftKey) return () => rate(scope, digit);
    if (key === "h") return () => press(".favorite button", scope);
    return null;
  }

  on("keydown", (event) => {
    if (event.key === "Escape") {
      const open = event.target.closest(".menu[open], .edit-title[open]");
      if (open) {
        open.open = false;
        find("summary", open).focus();
      }
    }
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target.closest("input, select, textarea")) return;
    const action = keyAction(event);
    if (!action) return;
    event.preventDefault();
    action();
  });

  on(
    "toggle",
    (event) => {
      if (event.target.id === "display") import("./display.js");
      if (event.target.matches?.(".edit-title[open]")) find(".field", event.target).select();
      if (event.target.matches?.(".edit-tags[open]") && matchMedia("(hover: hover)").matches)
        byId("tag-field").focus();
    },
    document,
    true,
  );
})();
