// Small conveniences; every page works without them.
"use strict";

// <button data-confirm="Delete this contact?"> asks first.
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm;
  if (question && !window.confirm(question)) {
    event.preventDefault();
    return;
  }
  // A second click must not send the form twice.
  if (event.target.dataset.sent) {
    event.preventDefault();
  } else if (event.target.method === "post") {
    event.target.dataset.sent = "true";
  }
});

// Coming back with the browser's Back button, forms can be sent again.
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
});

// The account menu closes on Escape and on a click elsewhere.
document.addEventListener("keydown", (event) => {
  const menu = document.querySelector("details.menu[open]");
  if (event.key === "Escape" && menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  const menu = document.querySelector("details.menu[open]");
  if (menu && !menu.contains(event.target)) menu.open = false;
});

// On small screens the navigation scrolls: show where one is.
document
  .querySelectorAll(".nav [aria-current], .settings-nav [aria-current]")
  .forEach((here) => here.scrollIntoView({ block: "nearest", inline: "center" }));

// After a form with errors, the first wrong field is where one goes on; where none is marked, what is wrong with the whole.
(document.querySelector("[aria-invalid=true]") ?? document.querySelector("[role=alert][tabindex]"))?.focus();

// <input type="checkbox" data-mark-all="form"> marks all checkboxes of rows that belong to that form.
document.querySelectorAll("[data-mark-all]").forEach((all) => {
  all.hidden = false;
  all.addEventListener("change", () => {
    document.querySelectorAll(`input[name=id][form="${all.dataset.markAll}"]`).forEach((one) => (one.checked = all.checked));
  });
});

// <button data-copy="id of a field" hidden> copies what stands in the field; without https, browsers only let one select it.
document.querySelectorAll("[data-copy]").forEach((button) => {
  const field = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      document.execCommand("copy");
    }
    button.textContent = "Copied";
  });
});
