// Refreshes the phones and sends replies without a page load. Without JavaScript, the forms reload the page.
"use strict";

const showLocalTimes = (root) => {
  const format = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
  for (const time of root.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    time.textContent = format.format(date);
    time.title = date.toLocaleString();
  }
};

const scrollToEnd = (box) => {
  if (box.id === "thread") box.scrollTop = box.scrollHeight;
};

const refresh = async (box) => {
  const response = await fetch(`${box.dataset.live}?since=${box.dataset.version}`);
  if (response.status !== 200) return;
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  const html = await response.text();
  box.dataset.version = response.headers.get("x-version");
  box.innerHTML = html;
  showLocalTimes(box);
  if (atEnd) scrollToEnd(box);
};

const poll = (box) => {
  const refreshOnce = async () => {
    if (!document.hidden) {
      try {
        await refresh(box);
      } catch {
        // The simulator is unreachable; the next poll tries again.
      }
    }
    setTimeout(refreshOnce, 1000);
  };
  setTimeout(refreshOnce, 1000);
};

const submitInBackground = (form) => {
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
      form.prepend(page.querySelector(".problem") ?? "The simulator could not accept this message.");
      return;
    }
    form.querySelector(".problem")?.remove();
    if (event.submitter?.name !== "quick") form.elements.body.value = "";
    const thread = document.getElementById("thread");
    await refresh(thread);
    scrollToEnd(thread);
  });
};

showLocalTimes(document);
for (const box of document.querySelectorAll("[data-live]")) {
  scrollToEnd(box);
  poll(box);
}
const compose = document.getElementById("compose");
if (compose) submitInBackground(compose);
