// The command palette: Ctrl+K (⌘K on Macs) or a link with `data-palette-open` opens it. The server suggests pages, actions and what a text
// finds; the palette remembers nothing. Without this script, the links lead to the search page.
"use strict";

(() => {
  const palette = document.getElementById("palette");
  if (!palette?.showModal) return;
  const form = palette.querySelector("form");
  const input = form.elements.q;
  const list = document.getElementById("palette-list");
  const notes = palette.querySelector(".palette-notes");
  const announcer = palette.querySelector("[role=status]");
  const isMac = /mac|iphone|ipad/i.test(navigator.userAgentData?.platform ?? navigator.platform);
  const DEBOUNCE = 120;

  // The text of the suggestions that are shown; null while they belong to another text, and cannot be chosen.
  let shownText = null;
  // The outstanding request for the present text, and the timer that starts it.
  let request = null;
  let timer = 0;
  // Whether the request for the present text failed: Enter then submits the form.
  let failed = false;
  // Enter was pressed before the suggestions came: how to open the first one.
  let openOnArrival = null;
  let active = null;

  const options = () => [...list.querySelectorAll("[role=option]")];
  const typed = () => input.value.trim();

  const activate = (option) => {
    active?.setAttribute("aria-selected", "false");
    active = option ?? null;
    active?.setAttribute("aria-selected", "true");
    if (active) input.setAttribute("aria-activedescendant", active.id);
    else input.removeAttribute("aria-activedescendant");
  };

  const scrollToActive = () => {
    // The heading above the first suggestion stays visible.
    if (active === options()[0]) list.scrollTop = 0;
    else active?.scrollIntoView({ block: "nearest" });
  };

  const show = (groups, paragraphs, summary) => {
    list.replaceChildren(...groups);
    notes.replaceChildren(...paragraphs);
    list.hidden = groups.length === 0;
    notes.hidden = paragraphs.length === 0;
    list.removeAttribute("aria-busy");
    input.setAttribute("aria-expanded", String(!list.hidden));
    activate(options()[0]);
    scrollToActive();
    announcer.textContent = summary;
  };

  // Neither an outstanding answer nor an earlier Enter counts for another text.
  const reset = () => {
    clearTimeout(timer);
    request?.abort();
    request = null;
    shownText = null;
    failed = false;
    openOnArrival = null;
  };

  const open = (option, inNewTab) => {
    if (inNewTab) {
      window.open(option.href, "_blank", "noopener");
      return;
    }
    // The browser keeps the page for its Back button: with the palette closed.
    palette.close();
    location.assign(option.href);
  };

  const suggest = async () => {
    clearTimeout(timer);
    request?.abort();
    const own = new AbortController();
    const text = typed();
    request = own;
    list.setAttribute("aria-busy", "true");
    let part;
    try {
      const answer = await fetch(`${palette.dataset.suggestions}?${new URLSearchParams({ q: text })}`, { signal: own.signal });
      part = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-summary]");
    } catch {
      part = null;
    }
    // Another text has been typed meanwhile, or the palette has been closed.
    if (request !== own) return;
    request = null;
    if (!part) {
      // Signed out, an error, or no connection.
      failed = true;
      openOnArrival = null;
      const note = document.createElement("p");
      note.textContent = "Carillon can’t answer now. Press Enter for the search page.";
      show([], [note], note.textContent);
      return;
    }
    shownText = text;
    show([...part.querySelectorAll("[role=group]")], [...part.querySelectorAll(":scope > p")], part.dataset.summary);
    // A note says that nothing was found: what is listed below it is another search.
    if (openOnArrival && active && notes.hidden) open(active, openOnArrival.inNewTab);
    openOnArrival = null;
  };

  const openPalette = () => {
    input.value = "";
    reset();
    show([], [], "");
    palette.showModal();
    input.focus();
    suggest();
  };

  // A key that confirms or cancels a composition (of Chinese, Japanese or Korean) is not for the palette. Safari sends it afterwards, as 229.
  const isComposing = (event) => event.isComposing || event.keyCode === 229;

  document.addEventListener("keydown", (event) => {
    // Browsers that fill in forms send events without a key.
    if (!event.key || event.defaultPrevented || isComposing(event)) return;
    // On Macs, Ctrl+K deletes to the end of the line.
    const isPrimary = isMac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
    // Where keys have no Latin letters, the place of the key counts.
    const isK = event.key.toLowerCase() === "k" || (!/^[a-z]$/i.test(event.key) && event.code === "KeyK");
    if (!isPrimary || !isK || event.altKey || event.shiftKey) return;
    const dialog = document.querySelector("dialog:modal");
    if (dialog && dialog !== palette) return;
    event.preventDefault();
    if (event.repeat) return;
    if (palette.open) palette.close();
    else openPalette();
  });

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-palette-open]")) return;
    // With a modifier, the link opens the search page in a new tab or window.
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    openPalette();
  });

  input.addEventListener("input", () => {
    if (typed() === shownText) return;
    reset();
    activate(null);
    list.setAttribute("aria-busy", "true");
    timer = setTimeout(suggest, DEBOUNCE);
  });

  const moves = {
    ArrowDown: (all, at) => all[(at + 1) % all.length],
    ArrowUp: (all, at) => all.at(at <= 0 ? -1 : at - 1),
    Home: (all) => all[0],
    End: (all) => all.at(-1),
  };
  input.addEventListener("keydown", (event) => {
    if (isComposing(event)) return;
    const move = moves[event.key];
    if (move && !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      const all = options();
      if (shownText !== null && all.length > 0) activate(move(all, all.indexOf(active)));
      scrollToActive();
    }
    if (event.key === "Enter" && !failed) {
      event.preventDefault();
      const inNewTab = isMac ? event.metaKey : event.ctrlKey;
      if (event.repeat) return;
      if (shownText === null) {
        openOnArrival = { inNewTab };
        if (!request) suggest();
      } else if (active) {
        open(active, inNewTab);
      }
    }
  });
  form.addEventListener("submit", () => palette.close());

  // The pointer chooses when it moves: suggestions that appear under it change nothing.
  list.addEventListener("mousemove", (event) => {
    const option = event.target.closest("[role=option]");
    if (option && option !== active && shownText !== null) activate(option);
  });
  list.addEventListener("mousedown", (event) => {
    // The focus stays in the field.
    if (event.target.closest("[role=option]")) event.preventDefault();
  });
  list.addEventListener("click", (event) => {
    const opensElsewhere = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    if (event.target.closest("[role=option]") && !opensElsewhere) palette.close();
  });

  // Pressing the mouse beside the palette closes it.
  palette.addEventListener("mousedown", (event) => {
    const box = palette.getBoundingClientRect();
    const isInside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (event.target === palette && !isInside) palette.close();
  });
  palette.querySelector("[data-palette-close]").addEventListener("click", () => palette.close());
  palette.addEventListener("close", reset);

  document.querySelectorAll("[data-palette-open]").forEach((link) => {
    link.setAttribute("aria-keyshortcuts", isMac ? "Meta+K" : "Control+K");
    const key = link.querySelector("kbd");
    if (!key) return;
    key.hidden = false;
    key.textContent = isMac ? "⌘K" : "Ctrl K";
  });
  if (isMac) palette.querySelector("kbd[data-primary]").textContent = "⌘";
})();
