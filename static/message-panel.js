// The side panel of the list of messages: a row opens it, and only the panel is loaded. Without scripts, the link of the row loads the list
// with the panel. J and K walk through the rows (carillon.js) and the open panel follows; Escape closes it.
"use strict";

(() => {
  const panel = document.getElementById("panel");
  const table = document.querySelector("table[data-panel]");
  if (!panel || !table) return;
  const floats = window.matchMedia("(max-width: 70rem)");
  let request = null;

  const links = () => [...table.querySelectorAll("a.row-link")];
  const linkOf = (id) => links().find((link) => link.dataset.id === id);
  const openId = () => new URL(location.href).searchParams.get("open");
  const closedPath = () => {
    const url = new URL(location.href);
    url.searchParams.delete("open");
    return url.pathname + url.search;
  };

  // The row of the open message is marked, and the arrows of the panel lead to the rows around it.
  const mark = (id) => {
    const all = links();
    for (const link of all) {
      const isOpen = link.dataset.id === id;
      link.closest("tr").classList.toggle("selected", isOpen);
      if (isOpen) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    const at = all.findIndex((link) => link.dataset.id === id);
    for (const [step, link] of [["newer", all[at - 1]], ["older", at < 0 ? undefined : all[at + 1]]]) {
      const arrow = panel.querySelector(`[data-step=${step}]`);
      if (!arrow) continue;
      arrow.hidden = !link;
      if (link) arrow.href = link.href;
    }
    const close = panel.querySelector("[data-close]");
    if (close) close.href = closedPath();
  };

  const hide = () => {
    request?.abort();
    request = null;
    const link = linkOf(table.querySelector("tr.selected a.row-link")?.dataset.id);
    panel.hidden = true;
    panel.replaceChildren();
    mark(null);
    link?.focus({ preventScroll: true });
  };

  const show = async (id) => {
    request?.abort();
    const own = new AbortController();
    request = own;
    let html;
    try {
      const answer = await fetch(`${table.dataset.panel}/${id}/panel`, { signal: own.signal, redirect: "error" });
      if (!answer.ok) throw new Error(answer.statusText);
      html = await answer.text();
    } catch {
      // Signed out or offline: the page itself says so.
      if (request === own) location.reload();
      return;
    }
    if (request !== own) return;
    request = null;
    panel.innerHTML = html;
    panel.hidden = false;
    panel.scrollTop = 0;
    mark(id);
    document.dispatchEvent(new CustomEvent("parts-added"));
    // Where the panel covers the list, the focus goes along.
    if (floats.matches) panel.querySelector("h2").focus({ preventScroll: true });
  };

  // Back closes the panel, however many messages were looked at.
  const open = (link) => {
    if (panel.hidden) history.pushState(null, "", link.href);
    else history.replaceState(null, "", link.href);
    show(link.dataset.id);
  };
  const close = () => {
    history.pushState(null, "", closedPath());
    hide();
  };

  const isPlain = (event) => event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  table.addEventListener("click", (event) => {
    const link = event.target.closest("a.row-link");
    if (!link || !isPlain(event)) return;
    event.preventDefault();
    open(link);
  });
  panel.addEventListener("click", (event) => {
    const link = event.target.closest("[data-step], [data-close]");
    if (!link || !isPlain(event)) return;
    event.preventDefault();
    if ("close" in link.dataset) return close();
    const row = linkOf(new URL(link.href).searchParams.get("open"));
    row?.scrollIntoView({ block: "nearest" });
    if (row) open(row);
  });
  window.addEventListener("popstate", () => {
    const id = openId();
    if (id) show(id);
    else hide();
  });

  const isTyping = (element) => element.closest("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]") !== null;
  // Keys of a composition (of Chinese, Japanese or Korean) and Escape in a field are not for the panel. Safari sends the former as 229.
  const isOfField = (event) => event.isComposing || event.keyCode === 229 || isTyping(event.target);
  const isStep = (event) => (event.key === "j" || event.key === "k") && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target);

  // Before carillon.js: an open menu or question takes Escape, and a step begins at the open message.
  document.addEventListener("keydown", (event) => {
    if (panel.hidden || document.querySelector("dialog[open], details:is(.menu, .ask)[open]")) return;
    if (event.key === "Escape" && !isOfField(event)) {
      event.preventDefault();
      close();
    } else if (isStep(event) && !table.contains(document.activeElement)) {
      linkOf(openId())?.focus({ preventScroll: true });
    }
  }, true);
  // After it: the panel shows the row that has the focus now.
  document.addEventListener("keydown", (event) => {
    const link = document.activeElement?.closest("a.row-link");
    if (!panel.hidden && isStep(event) && event.defaultPrevented && link && link.dataset.id !== openId()) open(link);
  });
})();
