// Progressive enhancement: every page works without this script.
"use strict";

// <button data-confirm="Delete this contact?"> asks for confirmation.
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

// After the browser's Back button, forms can be sent again.
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

// On small screens the navigation scrolls: scroll to the current page.
document
  .querySelectorAll(".nav [aria-current], .settings-nav [aria-current]")
  .forEach((current) => current.scrollIntoView({ block: "nearest", inline: "center" }));

// After a form with errors, focus the first invalid field, else the errors of the form as a whole.
(document.querySelector("[aria-invalid=true]") ?? document.querySelector("[role=alert][tabindex]"))?.focus();

// <input type="checkbox" data-mark-all="id of a form"> checks the row checkboxes of that form.
document.querySelectorAll("[data-mark-all]").forEach((all) => {
  all.hidden = false;
  all.addEventListener("change", () => {
    document.querySelectorAll(`input[name=id][form="${all.dataset.markAll}"]`).forEach((checkbox) => (checkbox.checked = all.checked));
  });
});

// <button data-copy="id of a field" hidden> copies the field's value. Without HTTPS, browsers offer no clipboard API.
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
