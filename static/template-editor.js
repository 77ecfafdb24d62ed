// The editor of templates: inserts variables at the cursor, stores input in the browser while the server cannot be reached, and says so.
// htmx updates the preview (see the form's hx- attributes); without scripts, the buttons submit the form.
"use strict";

(() => {
  const form = document.querySelector("form.template-editor");
  const body = form?.elements.body;
  if (!body) return;
  document.documentElement.classList.add("scripted");

  // Includes the saved name and version, so that the server detects what another user has saved since.
  const storedFields = ["name", "saved_name", "version", "body", "media_urls"];
  const storageKey = `carillon:${form.dataset.user}:${new URL(form.getAttribute("action"), location.href).href}`;
  let signedOut = false;
  let hadFocus = false;
  body.addEventListener("focus", () => (hadFocus = true));

  // Marks variables and conditions: a layer behind the field holds the same text in the same place, and colours only their background.
  const backdrop = document.createElement("div");
  backdrop.className = "backdrop";
  backdrop.dir = "auto";
  backdrop.setAttribute("aria-hidden", "true");
  body.before(backdrop);
  const tags = /\{\{[^]*?\}\}|\{%[^]*?%\}|\{#[^]*?#\}|\{[{%#][^]*$/g;
  const kinds = { "{{": "", "{%": "statement", "{#": "statement" };
  const align = () => {
    backdrop.style.left = `${body.clientLeft}px`;
    backdrop.style.width = `${body.clientWidth}px`;
    backdrop.style.height = `${body.clientHeight}px`;
    backdrop.scrollTop = body.scrollTop;
  };
  let marked = null;
  const markTags = () => {
    if (body.value === marked) return;
    marked = body.value;
    const parts = [];
    let end = 0;
    for (const found of marked.matchAll(tags)) {
      const mark = document.createElement("mark");
      mark.textContent = found[0];
      const isClosed = /[}%#]\}$/.test(found[0]) && found[0].length > 3;
      mark.className = isClosed ? kinds[found[0].slice(0, 2)] : "unfinished";
      parts.push(marked.slice(end, found.index), mark);
      end = found.index + found[0].length;
    }
    // The last character gives an empty last line its height.
    backdrop.replaceChildren(...parts, marked.slice(end), "\u200b");
    align();
  };
  body.addEventListener("input", markTags);
  body.addEventListener("scroll", align, { passive: true });
  // An error under the field is about the text before; the preview says what is wrong now.
  body.addEventListener("input", () => {
    body.removeAttribute("aria-invalid");
    body.setAttribute("aria-describedby", "body-help");
    document.getElementById("body-error")?.remove();
  });
  new ResizeObserver(align).observe(body);
  document.fonts?.ready.then(align);

  // Inserts text as if it were typed, so that the browser can undo it and htmx gets an input event.
  const insertText = (text) => {
    body.focus();
    if (document.execCommand("insertText", false, text)) return;
    body.setRangeText(text, body.selectionStart, body.selectionEnd, "end");
    body.dispatchEvent(new InputEvent("input", { bubbles: true }));
  };

  form.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-insert], button[data-replace]");
    if (!button) return;
    if ("insert" in button.dataset) {
      event.preventDefault();
      if (!hadFocus) body.setSelectionRange(body.value.length, body.value.length);
      insertText(button.value);
    } else if (button.dataset.of === body.value) {
      // If the text has changed since, the button submits the form and the server replaces the present text.
      event.preventDefault();
      body.focus();
      body.select();
      insertText(button.dataset.replace);
    }
  });

  // Input aborts the running request, whose response would replace newer input.
  form.addEventListener("input", () => form.dispatchEvent(new CustomEvent("htmx:abort")));

  const showStatus = (text) => (document.getElementById("kept").textContent = text);
  const storeInput = () => {
    try {
      localStorage.setItem(storageKey, JSON.stringify(storedFields.map((name) => form.elements[name].value)));
      delete form.dataset.unsaved;
      return true;
    } catch {
      return false;
    }
  };

  // Signed out or offline: the preview must not show another page, and the input is stored in this browser.
  const showNotSaved = (why) => showStatus(storeInput() ? `${why} What you type is kept in this browser.` : `${why} Don’t close this page before it is saved.`);
  form.addEventListener("htmx:before:response", (event) => {
    const answer = event.detail.ctx.response.raw;
    signedOut = answer.redirected || answer.status === 403;
    if (answer.ok && !answer.redirected) {
      // The server keeps it as a draft, unless its answer says otherwise (unsent.js).
      delete form.dataset.unsaved;
      localStorage.removeItem(storageKey);
      return;
    }
    event.preventDefault();
    showNotSaved(signedOut ? "You are signed out. Sign in again in this window." : "Carillon can’t answer now.");
  });
  form.addEventListener("htmx:error", (event) => {
    if (event.detail.error?.name !== "AbortError") showNotSaved("Carillon can’t answer now.");
  });

  // The server gets the input now, unless it will ask for the password first.
  form.addEventListener("submit", () => (signedOut ? storeInput() : localStorage.removeItem(storageKey)));

  // Restores input that did not reach the server before.
  const stored = localStorage.getItem(storageKey);
  if (stored) {
    localStorage.removeItem(storageKey);
    try {
      storedFields.forEach((name, at) => (form.elements[name].value = JSON.parse(stored)[at]));
      const updatePreview = () => body.dispatchEvent(new InputEvent("input", { bubbles: true }));
      form.addEventListener("htmx:after:init", updatePreview, { once: true });
    } catch {
      // The stored value has another format: ignore it.
    }
  }
  markTags();
})();
