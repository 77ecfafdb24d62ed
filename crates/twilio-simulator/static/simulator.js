// Keeps the phones up to date and sends replies without leaving the page. Everything works without it, by reloading.
"use strict";

const localTimes = (root) => {
  const format = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  for (const time of root.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    time.textContent = format.format(date);
    time.title = date.toLocaleString();
  }
};

const toEnd = (box) => {
  if (box.id === "thread") box.scrollTop = box.scrollHeight;
};

const refresh = async (box) => {
  const response = await fetch(`${box.dataset.live}?since=${box.dataset.version}`);
  if (response.status !== 200) return;
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  const html = await response.text();
  box.dataset.version = response.headers.get("x-version");
  box.innerHTML = html;
  localTimes(box);
  if (atEnd) toEnd(box);
};

const keepFresh = (box) => {
  const turn = async () => {
    if (!document.hidden) {
      try {
        await refresh(box);
      } catch {
        // The simulator is away; the next turn tries again.
      }
    }
    setTimeout(turn, 1000);
  };
  setTimeout(turn, 1000);
};

const withoutLeaving = (form) => {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const data = new URLSearchParams(new FormData(form, event.submitter));
    let response;
    try {
      response = await fetch(form.action, { method: "POST", body: data });
    } catch {
      form.submit();
      return;
    }
    if (!response.ok) {
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      form.querySelector(".problem")?.remove();
      form.prepend(page.querySelector(".problem") ?? "The simulator could not take this message.");
      return;
    }
    form.querySelector(".problem")?.remove();
    if (event.submitter?.name !== "quick") form.elements.body.value = "";
    const thread = document.getElementById("thread");
    await refresh(thread);
    toEnd(thread);
  });
};

localTimes(document);
for (const box of document.querySelectorAll("[data-live]")) {
  toEnd(box);
  keepFresh(box);
}
const compose = document.getElementById("compose");
if (compose) withoutLeaving(compose);
