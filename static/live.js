// Parts of a page that follow what happens: <div id="…" data-live="/path">. The answer takes the element's place;
// one without data-live ends it. data-every="10000" asks that seldom. Without scripts, the page shows what was known when it was loaded.
"use strict";

(() => {
  const OFTEN = 2_000;
  const SELDOM = 10_000;
  // A carrier that never confirms would otherwise be asked about every two seconds for as long as the page is open.
  const OFTEN_FOR = 120_000;
  const begun = Date.now();
  let last = "";

  const pause = (id) => {
    const every = Number(document.getElementById(id)?.dataset.every);
    return every || (Date.now() - begun < OFTEN_FOR ? OFTEN : SELDOM);
  };

  // What somebody has marked, to copy it, stays.
  const marked = (element) => !window.getSelection().isCollapsed && window.getSelection().containsNode(element, true);

  const replace = (element, html) => {
    const open = [...element.querySelectorAll("details[open][id]")].map((details) => details.id);
    const focused = element.contains(document.activeElement) ? document.activeElement.closest("[id]")?.id : null;
    element.outerHTML = html;
    for (const id of open) {
      const details = document.getElementById(id);
      if (details) details.open = true;
    }
    if (focused) document.getElementById(focused)?.querySelector("summary, a")?.focus({ preventScroll: true });
  };

  const follow = async (id) => {
    const element = document.getElementById(id);
    if (!element?.dataset.live) return;
    if (!document.hidden) {
      try {
        const answer = await fetch(element.dataset.live, { redirect: "error" });
        if (answer.status >= 400 && answer.status < 500) return;
        const html = answer.ok ? await answer.text() : last;
        if (html !== last && !marked(element)) {
          replace(element, html);
          last = html;
        }
      } catch {
        // Away for a moment, or signed out: what is shown stays true, and is asked for again.
      }
    }
    window.setTimeout(follow, pause(id), id);
  };

  for (const element of document.querySelectorAll("[data-live][id]")) window.setTimeout(follow, pause(element.id), element.id);
})();
