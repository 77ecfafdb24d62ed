// Draws charts from tables: <figure data-chart="id of a table" hidden><canvas></canvas></figure>. A column with data-colour, the name
// of a class, is a series; its cells have the numbers in data-value. The first cell of a row has its label and its link. Without scripts,
// or without the library, only the table is shown.
"use strict";

(() => {
  if (!window.Chart) return;

  // Resolves a colour of the style sheet in the present scheme: the property is `light-dark(…)`, which a canvas does not support.
  const propertyColour = (name) => {
    const probe = document.createElement("i");
    probe.hidden = true;
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };

  // Resolves the background colour of a class in the present scheme.
  const classColour = (name) => {
    const probe = document.createElement("i");
    probe.className = name;
    probe.hidden = true;
    document.body.append(probe);
    const found = getComputedStyle(probe).backgroundColor;
    probe.remove();
    return found;
  };

  const readTable = (table) => {
    const heads = [...table.tHead.rows[0].cells];
    const rows = [...table.tBodies[0].rows];
    const series = heads.flatMap((head, at) => (head.dataset.colour ? [{ at, label: head.textContent.trim(), colour: head.dataset.colour }] : []));
    return {
      labels: rows.map((row) => row.cells[0].textContent.trim()),
      links: rows.map((row) => row.cells[0].querySelector("a")?.href),
      series: series.map((column) => ({ ...column, values: rows.map((row) => Number(row.cells[column.at].dataset.value)) })),
    };
  };

  const draw = (figure) => {
    const table = document.getElementById(figure.dataset.chart);
    const { labels, links, series } = readTable(table);
    const [text, quiet, line] = ["--text", "--quiet", "--line"].map(propertyColour);
    const font = { family: getComputedStyle(document.body).fontFamily, size: 13 };
    figure.hidden = false;
    return new Chart(figure.querySelector("canvas"), {
      type: "bar",
      data: {
        labels,
        datasets: series.map((column) => ({ label: column.label, data: column.values, backgroundColor: classColour(column.colour), maxBarThickness: 28 })),
      },
      options: {
        animation: false,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        onClick: (_, hit) => hit.length && links[hit[0].index] && window.location.assign(links[hit[0].index]),
        scales: {
          x: { stacked: true, grid: { display: false }, border: { color: line }, ticks: { color: quiet, font, maxRotation: 0, autoSkipPadding: 16 } },
          y: { stacked: true, beginAtZero: true, grid: { color: line }, border: { display: false }, ticks: { color: quiet, font, precision: 0, maxTicksLimit: 6 } },
        },
        plugins: {
          legend: { position: "bottom", align: "start", labels: { color: text, font, boxWidth: 11, boxHeight: 11, useBorderRadius: true, borderRadius: 3 } },
          tooltip: { bodyFont: font, titleFont: font, filter: (item) => item.raw > 0, boxPadding: 4 },
        },
      },
    });
  };

  const figures = [...document.querySelectorAll("figure[data-chart]")];
  let charts = figures.map(draw);
  for (const figure of figures) document.getElementById(figure.dataset.chart).closest("details")?.removeAttribute("open");

  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const chart of charts) chart.destroy();
    charts = figures.map(draw);
  });
})();
