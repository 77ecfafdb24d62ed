// Progressive enhancement: every page works without this script.
"use strict";

// <button data-confirm="Delete this contact?"> asks for confirmation.
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm;
  if (question && !window.confirm(question)) {
    event.preventDefault();
    return;
  }
  // A second click must not send the form twice. Later it may be sent again: the user may have stopped it, or there was no answer.
  if (Date.now() - event.target.dataset.sent < 10_000) {
    event.preventDefault();
  } else if (event.target.method === "post") {
    event.target.dataset.sent = Date.now();
  }
});

// After the browser's Back button, forms can be sent again.
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
});

// Theme and sidebar change at once; the server stores them for the next page.
const store = (form, button) => {
  const body = new URLSearchParams(new FormData(form, button));
  return fetch(form.getAttribute("action"), { method: "post", body, redirect: "manual" });
};
document.addEventListener("submit", (event) => {
  const { target: form, submitter: button } = event;
  if (!button || !("fold" in form.dataset || "themes" in form.dataset)) return;
  event.preventDefault();
  delete form.dataset.sent;
  store(form, button).catch(() => form.submit());
  if ("fold" in form.dataset) {
    const folded = document.querySelector(".app").classList.toggle("folded");
    button.value = String(!folded);
    button.title = `${folded ? "Unfold" : "Fold"} the sidebar`;
    button.setAttribute("aria-label", button.title);
    return;
  }
  const theme = button.value;
  form.querySelectorAll("button").forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
  if (theme === "automatic") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  document.querySelector("meta[name=color-scheme]").content = theme === "automatic" ? "light dark" : theme;
});

// Menus and questions close on Escape, unless it cancels a composition; menus also on a click elsewhere.
document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.keyCode === 229) return;
  const menu = event.key === "Escape" && document.querySelector("details:is(.menu, .ask)[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});

// On small screens the tabs scroll: scroll to the current one, and not the page.
document.querySelectorAll(":is(.tabs, .views) [aria-current]").forEach((current) => {
  const bar = current.closest(".tabs, ul");
  bar.scrollLeft = current.offsetLeft - (bar.clientWidth - current.offsetWidth) / 2;
});

// After a form with errors, focus the first invalid field, else the errors of the form as a whole. Of radio buttons, the chosen one.
{
  const invalid = document.querySelector("form [aria-invalid=true]");
  const field = invalid?.matches("fieldset") ? (invalid.querySelector(":checked") ?? invalid.querySelector("input")) : invalid;
  (field ?? document.querySelector("[role=alert][tabindex]"))?.focus();
}

// A toast goes by itself, unless it says that it stays; not while the pointer or the focus is on it.
document.querySelectorAll("[data-toast]").forEach((toast) => {
  const dismiss = toast.querySelector("[data-dismiss]");
  const remove = () => toast.remove();
  dismiss.hidden = false;
  dismiss.addEventListener("click", remove);
  if (toast.dataset.toast === "stays") return;
  let timer;
  const pause = () => window.clearTimeout(timer);
  const wait = () => {
    pause();
    if (!toast.matches(":hover, :focus-within")) timer = window.setTimeout(remove, 6_000);
  };
  for (const begin of ["pointerenter", "focusin"]) toast.addEventListener(begin, pause);
  // Afterwards: when these events arrive, the next element does not have the focus yet.
  for (const end of ["pointerleave", "focusout"]) toast.addEventListener(end, () => window.setTimeout(wait));
  wait();
});

// <input type="checkbox" data-mark-all="id of a form"> checks the row checkboxes of that form.
document.querySelectorAll("[data-mark-all]").forEach((all) => {
  all.hidden = false;
  all.addEventListener("change", () => {
    document.querySelectorAll(`input[name=id][form="${all.dataset.markAll}"]`).forEach((checkbox) => (checkbox.checked = all.checked));
  });
});

// Choosing a row opens what can be done with the chosen ones.
document.addEventListener("change", ({ target }) => {
  const form = target.checked ? document.getElementById(target.dataset.markAll ?? target.getAttribute("form")) : null;
  const choices = form?.closest("details");
  if (choices) choices.open = true;
});

// <button data-copy="id of a field or a text" hidden> copies it. Without HTTPS, browsers offer no clipboard API.
document.querySelectorAll("[data-copy]").forEach((button) => {
  const source = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (source.select) source.select();
    else window.getSelection().selectAllChildren(source);
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
    } catch {
      document.execCommand("copy");
    }
    const label = button.querySelector("span");
    if (label) label.textContent = "Copied";
    else button.setAttribute("aria-label", "Copied");
  });
});

// Keyboard shortcuts; the page /shortcuts lists them. A link of the navigation has its key in data-key, a table whose rows can be walked
// has data-rows, and the link of a row is its first, or the one of the class row-link.
{
  const isTyping = (element) => element.closest("input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]") !== null;
  let leader = 0;

  const goTo = (key) => document.querySelector(`.nav [data-key="${CSS.escape(key)}"]`)?.click();

  const linkOf = (row) => row.querySelector("a.row-link") ?? row.querySelector("a[href]");
  const step = (by) => {
    const rows = [...document.querySelectorAll("table[data-rows] tbody tr")].filter(linkOf);
    if (!rows.length) return false;
    const here = rows.findIndex((row) => row.contains(document.activeElement));
    const next = rows[here < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(here + by, 0), rows.length - 1)];
    linkOf(next).focus();
    next.scrollIntoView({ block: "nearest" });
    return true;
  };

  const openSearch = () => {
    const field = document.querySelector("main [type=search]");
    if (field) {
      field.focus();
      field.select();
    } else document.querySelector("[data-palette-open]")?.click();
  };

  const showHelp = async () => {
    const link = document.querySelector("a[href$='/shortcuts']");
    const open = document.querySelector("dialog.help");
    if (!link || open) return open?.close();
    let list;
    try {
      const page = new DOMParser().parseFromString(await (await fetch(link.href)).text(), "text/html");
      list = page.getElementById("shortcuts");
      list?.removeAttribute("id");
    } catch {
      // Offline: the link leads to the browser's own page.
    }
    if (!list) return window.location.assign(link.href);
    const dialog = document.createElement("dialog");
    dialog.className = "help";
    const heading = document.createElement("h2");
    Object.assign(heading, { id: "help-heading", textContent: "Keyboard shortcuts" });
    dialog.setAttribute("aria-labelledby", heading.id);
    const close = document.createElement("form");
    close.method = "dialog";
    close.className = "actions";
    const button = document.createElement("button");
    Object.assign(button, { className: "btn", textContent: "Close" });
    close.append(button);
    dialog.append(heading, list, close);
    dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]") && event.key !== "?") return;
    const follows = Date.now() - leader < 1_500;
    leader = 0;
    if (follows) goTo(event.key);
    else if (event.key === "g") leader = Date.now();
    else if (event.key === "/") openSearch();
    else if (event.key === "?") showHelp();
    else if (event.key === "j" || event.key === "k") {
      if (!step(event.key === "j" ? 1 : -1)) return;
    } else return;
    event.preventDefault();
  });
}
