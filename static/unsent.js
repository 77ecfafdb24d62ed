// What was sent when one had been signed out is not lost: it is kept in this tab until it is known whether it arrived, and offered to
// the same person once they are back. Nothing is kept of forms with passwords or keys.
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
      // Full, or forbidden: then nothing is kept.
    }
  },
  forget() {
    try {
      sessionStorage.removeItem("unsent");
    } catch {
      // Nothing was kept.
    }
  },
};
const typed = (field) => !["hidden", "button", "submit", "fieldset"].includes(field.type);
document.addEventListener("submit", ({ target: form, submitter, defaultPrevented }) => {
  const fields = [...form.elements];
  if (defaultPrevented || form.method !== "post" || !fields.some(typed) || fields.some((field) => field.type === "password")) return;
  const values = [...new FormData(form, submitter)].filter(([name, value]) => name !== "csrf" && typeof value === "string");
  // Not `form.action`, which is the control of that name where there is one.
  const action = submitter?.getAttribute("formaction") ?? form.getAttribute("action");
  unsent.write({ user: document.body.dataset.user, action, values });
});
{
  const kept = unsent.read();
  const { user, unsent: notSent } = document.body.dataset;
  if (kept && notSent !== undefined) unsent.write({ ...kept, waits: true });
  if (kept && !kept.waits && notSent === undefined) unsent.forget();
  if (kept && (kept.waits || notSent !== undefined) && user) {
    if (kept.user === user) offer(kept);
    else unsent.forget();
  }
}
function offer(kept) {
  const notice = document.createElement("div");
  notice.className = "notice flash warning";
  notice.setAttribute("role", "status");
  const words = document.createElement("p");
  words.textContent = "What you sent last was not carried out. It is still here.";
  const form = document.createElement("form");
  form.className = "inline";
  form.method = "post";
  form.setAttribute("action", kept.action);
  const csrf = document.querySelector("input[name=csrf]").value;
  for (const [name, value] of [["csrf", csrf], ...kept.values]) {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name, value });
    form.append(field);
  }
  const send = document.createElement("button");
  send.textContent = "Send it now";
  const discard = document.createElement("button");
  Object.assign(discard, { type: "button", className: "link", textContent: "Discard" });
  send.addEventListener("click", () => unsent.write({ ...kept, waits: false }));
  discard.addEventListener("click", () => {
    unsent.forget();
    notice.remove();
  });
  form.append(send, discard);
  notice.append(words, form);
  document.getElementById("main").prepend(notice);
}
