// The set-up page works without this script: the time zone is then chosen by hand.
"use strict";

// <form data-browser-zone> starts with the browser's time zone, until the user chooses another one.
document.querySelectorAll("form[data-browser-zone] select[name=time_zone]").forEach((select) => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (Array.from(select.options).some((option) => option.value === zone)) select.value = zone;
});
