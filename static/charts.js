// Charts from the tables beside them: <figure data-chart="id of a table" hidden><canvas></canvas></figure>. Columns with data-colour, the name
// of a class, are the series, their cells' data-value the numbers, the first cell of a row its label and its link. Without scripts, or
// without the library, the table is what there is.
"use strict";

(() => {
  if (!window.Chart) return;

  // A colour of the style sheet, as the present scheme has it: the property itself is `light-dark(…)`, which a canvas does not understand.
  const style = (name) => {
    const probe = document.createElement("i");
    probe.hidden = true;
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };

  // The colour that the style sheet gives a class, in the present scheme.
  const colour = (name) => {
    const probe = document.createElement("i");
    probe.className = name;
    probe.hidden = true;
    document.body.append(probe);
    const found = getComputedStyle(probe).backgroundColor;
    probe.remove();
    return found;
  };

  const read = (table) => {
    const heads = [...table.tHead.rows[0].cells];
    const rows = [...table.tBodies[0].rows];
    const series = heads.flatMap((head, at) => (head.dataset.colour ? [{ at, label: head.textContent.trim(), colour: head.dataset.colour }] : []));
    return {
      labels: rows.map((row) => row.cells[0].textContent.trim()),
      links: rows.map((row) => row.cells[0].querySelector("a")?.href),
      series: series.map((one) => ({ ...one, values: rows.map((row) => Number(row.cells[one.at].dataset.value)) })),
    };
  };

  const draw = (figure) => {
    const table = document.getElementById(figure.dataset.chart);
    const { labels, links, series } = read(table);
    const [text, quiet, line] = [style("--text"), style("--quiet"), style("--line")];
    const font = { family: getComputedStyle(document.body).fontFamily, size: 13 };
    figure.hidden = false;
    return new Chart(figure.querySelector("canvas"), {
      type: "bar",
      data: {
        labels,
        datasets: series.map((one) => ({ label: one.label, data: one.values, backgroundColor: colour(one.colour), maxBarThickness: 28 })),
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
