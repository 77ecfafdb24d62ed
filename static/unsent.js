// Preserves a form that was submitted while signed out: it is stored in this tab until it is known whether it arrived, and offered to
// the same user after they have signed in again. Forms with passwords or keys are never stored. And before a page is left on which a form
// with data-guard was changed, the browser asks.
"use strict";

const unsent = {
  read() {
    try {
      return JSON.parse(sessionStorage.getItem("unsent"));
    } catch {
      return null;
    }
  },
  write(value) {
    try {
      sessionStorage.setItem("unsent", JSON.stringify(value));
    } catch {
      // The storage is full or disabled: nothing is stored.
    }
  },
  remove() {
    try {
      sessionStorage.removeItem("unsent");
    } catch {
      // The storage is disabled: nothing was stored.
    }
  },
};
const isVisible = (field) => !["hidden", "button", "submit", "fieldset"].includes(field.type);
document.addEventListener("submit", ({ target: form, submitter, defaultPrevented }) => {
  const fields = [...form.elements];
  if (defaultPrevented || form.method !== "post" || !fields.some(isVisible) || fields.some((field) => field.type === "password")) return;
  const values = [...new FormData(form, submitter)].filter(([name, value]) => name !== "csrf" && typeof value === "string");
  // Not `form.action`, which is a control of that name if there is one.
  const action = submitter?.getAttribute("formaction") ?? form.getAttribute("action");
  unsent.write({ user: document.body.dataset.user, action, values });
});
{
  const stored = unsent.read();
  const { user, unsent: notSent } = document.body.dataset;
  if (stored && notSent !== undefined) unsent.write({ ...stored, waits: true });
  if (stored && !stored.waits && notSent === undefined) unsent.remove();
  if (stored && (stored.waits || notSent !== undefined) && user) {
    if (stored.user === user) offerToResend(stored);
    else unsent.remove();
  }
}
function offerToResend(stored) {
  const notice = document.createElement("div");
  notice.className = "banner warn";
  notice.setAttribute("role", "status");
  const parts = document.createElement("div");
  parts.className = "grow";
  const text = document.createElement("p");
  text.textContent = "Carillon didn’t get what you sent last. It is still here.";
  const form = document.createElement("form");
  form.className = "inline";
  form.method = "post";
  form.setAttribute("action", stored.action);
  const csrf = document.querySelector("input[name=csrf]").value;
  for (const [name, value] of [["csrf", csrf], ...stored.values]) {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name, value });
    form.append(field);
  }
  const send = document.createElement("button");
  Object.assign(send, { className: "btn primary", textContent: "Send it now" });
  const discard = document.createElement("button");
  Object.assign(discard, { type: "button", className: "btn ghost", textContent: "Discard" });
  send.addEventListener("click", () => unsent.write({ ...stored, waits: false }));
  discard.addEventListener("click", () => {
    unsent.remove();
    notice.remove();
  });
  form.append(send, discard);
  parts.append(text, form);
  notice.append(parts);
  (document.querySelector("#main .content") ?? document.getElementById("main")).prepend(notice);
}

// data-unsaved marks what is kept nowhere: the form, or a part of it. The server sets it when it returns a form, and typing does.
if (document.querySelector("form[data-guard]")) {
  document.addEventListener("input", ({ target: { form } }) => {
    if (form?.matches("[data-guard]")) form.dataset.unsaved = "";
  });
  document.addEventListener("submit", ({ target: form, defaultPrevented }) => {
    if (defaultPrevented) return;
    for (const part of [form, ...form.querySelectorAll("[data-unsaved]")]) part.removeAttribute("data-unsaved");
  });
  window.addEventListener("beforeunload", (event) => {
    // Browsers ask only on a page that was used, and report an error on others.
    if (navigator.userActivation?.hasBeenActive === false) return;
    if (document.querySelector("form[data-guard][data-unsaved], form[data-guard] [data-unsaved]")) event.preventDefault();
  });
}
