// Polls parts of a page: <div id="…" data-live="/path">. The response replaces the element; one without data-live ends polling.
// A response that is a whole page is searched for the element with the same id.
// data-every="10000" sets a fixed interval in milliseconds. A script that adds parts later dispatches "parts-added". Without scripts, the
// page keeps its state at load time.
"use strict";

(() => {
  const FAST_INTERVAL = 2_000;
  const SLOW_INTERVAL = 10_000;
  // Polling slows down after two minutes, since some carriers never confirm a message.
  const FAST_FOR = 120_000;
  const loadedAt = Date.now();
  let lastHtml = "";

  const interval = (id) => {
    const every = Number(document.getElementById(id)?.dataset.every);
    return every || (Date.now() - loadedAt < FAST_FOR ? FAST_INTERVAL : SLOW_INTERVAL);
  };

  // Text that the user has selected is not replaced.
  const hasSelection = (element) => !window.getSelection().isCollapsed && window.getSelection().containsNode(element, true);

  const focusable = (element) => [...(element?.querySelectorAll("summary, a, button, input") ?? [])];

  const replace = (element, html) => {
    const open = [...element.querySelectorAll("details[open][id]")].map((details) => details.id);
    const focused = element.contains(document.activeElement) ? document.activeElement : null;
    const place = focusable(element).indexOf(focused);
    element.outerHTML = html;
    for (const id of open) {
      const details = document.getElementById(id);
      if (details) details.open = true;
    }
    if (!focused) return;
    // The focus stays on its link, else in its part.
    const same = focusable(document.getElementById(element.id))[place];
    const part = document.getElementById(focused.closest("[id]").id);
    const next = same?.textContent === focused.textContent ? same : part?.querySelector("summary, a");
    next?.focus({ preventScroll: true });
  };

  const partOf = (answer, id) =>
    /^\s*<!doctype/i.test(answer) ? (new DOMParser().parseFromString(answer, "text/html").getElementById(id)?.outerHTML ?? lastHtml) : answer;

  // The ids of the parts that are polled.
  const polled = new Set();

  const poll = async (id) => {
    const element = document.getElementById(id);
    if (!element?.dataset.live) return polled.delete(id);
    if (!document.hidden) {
      try {
        const answer = await fetch(element.dataset.live, { redirect: "error" });
        if (answer.status >= 400 && answer.status < 500) return polled.delete(id);
        const html = answer.ok ? partOf(await answer.text(), id) : lastHtml;
        // Another part may have taken its place in the meantime.
        if (element.isConnected && html !== lastHtml && !hasSelection(element)) {
          replace(element, html);
          lastHtml = html;
        }
      } catch {
        // Offline or signed out: keep the last state and poll again.
      }
    }
    window.setTimeout(poll, interval(id), id);
  };

  const start = () => {
    for (const { id } of document.querySelectorAll("[data-live][id]")) {
      if (polled.has(id)) continue;
      polled.add(id);
      window.setTimeout(poll, interval(id), id);
    }
  };
  document.addEventListener("parts-added", start);
  start();
})();
