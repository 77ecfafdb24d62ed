// Makes sure that a page reaches its live stream: <div hx-sse:connect="/path">. This script comes before those of htmx.
//
// htmx reads a page in a timer, and passes over the element if the file of the extension has not arrived by then. The extension opens again
// a stream that ends, but not one that was refused at first, such as at the limit of streams.
"use strict";

(() => {
  const RETRY_AFTER = 60_000;
  const STREAMS = "[hx-sse\\:connect]";

  // A tab in the background connects once it is seen: a browser has six connections for one server.
  if (document.hidden) {
    const later = [...document.querySelectorAll(STREAMS)].map((stream) => [stream, stream.getAttribute("hx-sse:connect")]);
    for (const [stream] of later) stream.removeAttribute("hx-sse:connect");
    const connect = () => {
      for (const [stream, path] of later) {
        stream.setAttribute("hx-sse:connect", path);
        htmx.process(stream);
      }
    };
    document.addEventListener("visibilitychange", connect, { once: true });
  }

  let read = false;
  document.addEventListener("htmx:after:process", () => (read = true), { once: true });
  // All deferred scripts have run. htmx marks the elements that it has seen.
  document.addEventListener("DOMContentLoaded", () => {
    if (read) document.querySelectorAll(`${STREAMS}:not([data-htmx-powered])`).forEach((stream) => htmx.process(stream));
  });

  document.addEventListener("htmx:finally:request", ({ target }) => {
    const isRefused = target instanceof Element && target.matches(STREAMS) && !target._htmx?.sse;
    if (isRefused) window.setTimeout(() => htmx.process(target), RETRY_AFTER);
  });
})();
