// The set-up page works without this script: time zone and country are then chosen by hand.
"use strict";

// <form data-browser-zone> starts with the browser's time zone and the country of that zone, until the user chooses others.
document.querySelectorAll("form[data-browser-zone]").forEach((form) => {
  const { time_zone: zones, default_country: countries } = form.elements;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (Array.from(zones.options).some((option) => option.value === zone)) zones.value = zone;
  // Not every browser knows the time zones of a country.
  const hasZone = ({ value }) => value && new Intl.Locale(`und-${value}`).getTimeZones?.()?.includes(zone);
  const country = Array.from(countries.options).find(hasZone);
  if (country && !countries.value) countries.value = country.value;
});
