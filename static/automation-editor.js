// The editor of automations without reloads: what is chosen changes at once, and a button that edits the flow replaces the form by the
// server's answer. Without this script, the same buttons load the page. Alt and an arrow key, or dragging, move a step.
"use strict";

{
  const form = document.querySelector("[data-editor]");
  const EDITS = /^(add_sms|add_wait|copy|remove|up|down|move|restore|add_condition|remove_condition)\b/;
  let latest = 0;
  // The edit that the server is answering. Another one would name steps by the numbers from before it.
  let editing = null;

  const panelOf = () => form.elements.namedItem("panel");
  const opener = (panel) => form.querySelector(`[value="select.${CSS.escape(panel)}"]`);

  // Marks the card whose part of the panel is open.
  const mark = (panel) => {
    for (const button of form.querySelectorAll(".step-button")) {
      const isChosen = button.value === `select.${panel}`;
      button.closest(".step").classList.toggle("selected", isChosen);
      if (isChosen) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  };

  // Shows one part of the panel, or none.
  const show = (panel) => {
    const before = panelOf().value;
    panelOf().value = panel;
    form.querySelector("aside.panel").hidden = panel === "none";
    for (const part of form.querySelectorAll("[data-panel]")) part.hidden = part.dataset.panel !== panel;
    mark(panel);
    if (panel === "none") opener(before)?.focus();
    else form.querySelector(`[data-panel="${CSS.escape(panel)}"] h2`).focus();
  };

  const typed = () => new URLSearchParams(new FormData(form)).toString();

  // Asks the server for the form after an action; null if another request has been made meanwhile.
  const ask = async (action) => {
    const body = new URLSearchParams(typed());
    body.set("do", action);
    const request = ++latest;
    const response = await fetch(form.getAttribute("action"), { method: "post", body });
    if (response.redirected || !response.ok) throw new Error("another page");
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const answer = page.querySelector("[data-editor]");
    if (!answer) throw new Error("another page");
    return request === latest ? answer : null;
  };

  const load = (action) => {
    const button = document.createElement("button");
    Object.assign(button, { name: "do", value: action, hidden: true, formNoValidate: true });
    form.append(button);
    button.dataset.loads = "true";
    button.click();
    button.remove();
  };

  // Edits the flow; then the button that opens the panel `next` has the focus, else what the server chose.
  const edit = (action, next) => {
    window.clearTimeout(timer);
    editing ??= run(action, next).finally(() => (editing = null));
  };
  // What is typed while the server answers is kept: the server is asked again.
  const run = async (action, next) => {
    let answer, sent, isTyping;
    try {
      do {
        isTyping = sent !== undefined;
        sent = typed();
        answer = await ask(action);
      } while (answer && typed() !== sent);
    } catch {
      return load(action);
    }
    if (!answer) return;
    const focused = document.activeElement;
    const scrolled = [".canvas", "aside.panel"].map((pane) => form.querySelector(pane).scrollTop);
    form.replaceChildren(...answer.childNodes);
    form.dataset.unsaved = "";
    [form.querySelector(".canvas").scrollTop, form.querySelector("aside.panel").scrollTop] = scrolled;
    prepare();
    // A field in which the user types keeps the focus. Those of steps have other names now.
    const name = isTyping && focused.matches("[type=text], textarea") && !focused.name.startsWith("steps.") ? focused.name : "";
    const field = form.elements.namedItem(name);
    if (field) {
      const part = field.closest("[data-panel]");
      if (part) show(part.dataset.panel);
      field.focus();
      field.setSelectionRange(focused.selectionStart, focused.selectionEnd);
    } else (opener(next) ?? form.querySelector("[autofocus]"))?.focus();
    form.querySelector(".step.selected")?.scrollIntoView({ block: "nearest" });
  };

  // Cards say what the panel's fields contain, soon after they change.
  let timer;
  const refresh = async () => {
    if (editing) return;
    try {
      const answer = await ask(`select.${panelOf().value}`);
      const flow = form.querySelector(".flow");
      const focused = flow.contains(document.activeElement) ? document.activeElement : null;
      // An open menu stays open.
      if (!answer || (focused && !focused.matches(".step-button"))) return;
      flow.replaceWith(answer.querySelector(".flow"));
      mark(panelOf().value);
      if (focused) form.querySelector(`.step-button[value="${CSS.escape(focused.value)}"]`)?.focus();
      const part = `[data-panel="${CSS.escape(panelOf().value)}"] .bubble`;
      const [old, now] = [form.querySelector(part), answer.querySelector(part)];
      if (old && now) old.replaceWith(now);
      else if (old) old.remove();
      prepare();
    } catch {
      // Offline or signed out: saving will say so.
    }
  };
  for (const [kind, delay] of [["input", 600], ["change", 250]]) {
    form.addEventListener(kind, ({ target }) => {
      window.clearTimeout(timer);
      if (target.closest(".panel-part.edits")) timer = window.setTimeout(refresh, delay);
    });
  }

  form.addEventListener("submit", (event) => {
    const action = event.submitter?.value ?? "";
    if (event.submitter?.dataset.loads) return;
    const isSelect = action.startsWith("select.");
    // The card of a field that has just changed still gets its new words.
    if (!isSelect) window.clearTimeout(timer);
    if (isSelect) show(action.slice("select.".length));
    else if (EDITS.test(action)) edit(action);
    else if (editing) editing.then(() => load(action));
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  form.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    const step = event.target.closest(".flow li[data-step]");
    if (event.key === "Escape" && event.target.closest("aside.panel")) {
      show("none");
    } else if (step && event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      const from = Number(step.dataset.step);
      const to = event.key === "ArrowUp" ? from - 1 : from + 2;
      if (to >= 0 && to <= form.querySelectorAll(".flow li[data-step]").length) {
        edit(`move.${from}.${to}`, `steps.${event.key === "ArrowUp" ? from - 1 : from + 1}`);
      }
    } else return;
    event.preventDefault();
  });

  // Dragging a card to a plus moves its step there.
  let dragged = null;
  form.addEventListener("dragstart", (event) => {
    const step = event.target.closest?.("li[data-step]");
    if (!step) return;
    dragged = step.dataset.step;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged);
  });
  const place = (event) => dragged !== null && event.target.closest?.("li[data-at]");
  form.addEventListener("dragover", (event) => {
    form.querySelectorAll(".plus.drop").forEach((plus) => plus.classList.remove("drop"));
    const plus = place(event);
    if (!plus) return;
    plus.classList.add("drop");
    event.preventDefault();
  });
  form.addEventListener("drop", (event) => {
    const plus = place(event);
    if (!plus) return;
    event.preventDefault();
    edit(`move.${dragged}.${plus.dataset.at}`);
  });
  form.addEventListener("dragend", () => {
    dragged = null;
    form.querySelectorAll(".plus.drop").forEach((plus) => plus.classList.remove("drop"));
  });

  const prepare = () => {
    form.querySelectorAll(".flow li[data-step] .step").forEach((card) => (card.draggable = true));
    form.querySelectorAll("[data-dismiss]").forEach((button) => {
      button.hidden = false;
      button.onclick = () => button.closest(".toasts").remove();
    });
  };
  prepare();
}
