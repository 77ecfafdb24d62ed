// The editor of templates: inserts where one writes, keeps what cannot reach the server, and shows what is not answered.
// The preview itself is htmx's (see the form's hx- attributes); without scripts, the buttons send the form.
"use strict";

(() => {
  const form = document.querySelector("form.composer");
  const body = form?.elements.body;
  if (!body) return;
  document.documentElement.classList.add("scripted");

  // With what it began with: the server tells what somebody else has saved since.
  const typed = ["name", "saved_name", "version", "body", "media_urls"];
  const place = `carillon:${form.dataset.user}:${new URL(form.getAttribute("action"), location.href).href}`;
  let signedOut = false;
  let wasThere = false;
  body.addEventListener("focus", () => (wasThere = true));

  // As if it were typed: the browser can undo it, and htmx hears of it.
  const write = (text) => {
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
      if (!wasThere) body.setSelectionRange(body.value.length, body.value.length);
      write(button.value);
    } else if (button.dataset.of === body.value) {
      // Otherwise the text has changed since: the server replaces what stands there now.
      event.preventDefault();
      body.focus();
      body.select();
      write(button.dataset.replace);
    }
  });

  // An answer to what stood here before must not undo what is typed or chosen now.
  form.addEventListener("input", () => form.dispatchEvent(new CustomEvent("htmx:abort")));

  const say = (text) => (document.getElementById("kept").textContent = text);
  const stash = () => {
    try {
      localStorage.setItem(place, JSON.stringify(typed.map((name) => form.elements[name].value)));
      return true;
    } catch {
      return false;
    }
  };

  // Signed out, or away: nothing of another page may land in the preview, and what is typed stays in this browser.
  const missed = (why) => say(stash() ? `${why} What you type is kept in this browser.` : `${why} Do not close this page before it is saved.`);
  form.addEventListener("htmx:before:response", (event) => {
    const answer = event.detail.ctx.response.raw;
    signedOut = answer.redirected || answer.status === 403;
    if (answer.ok && !answer.redirected) {
      localStorage.removeItem(place);
      return;
    }
    event.preventDefault();
    missed(signedOut ? "You are signed out: sign in again in this window." : "Carillon could not answer.");
  });
  form.addEventListener("htmx:error", (event) => {
    if (event.detail.error?.name !== "AbortError") missed("Carillon does not answer.");
  });

  // What is sent now is in the server's hands, unless it is sure to ask for the password first.
  form.addEventListener("submit", () => (signedOut ? stash() : localStorage.removeItem(place)));

  // What did not reach the server before, comes back.
  const left = localStorage.getItem(place);
  if (left) {
    localStorage.removeItem(place);
    try {
      typed.forEach((name, at) => (form.elements[name].value = JSON.parse(left)[at]));
      const again = () => body.dispatchEvent(new InputEvent("input", { bubbles: true }));
      form.addEventListener("htmx:after:init", again, { once: true });
    } catch {
      // Not ours any more.
    }
  }
})();
