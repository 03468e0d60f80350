/* Boards: ties the address, the filter form, the page's words and the charts together.
   Loads after the chart bundle and before Dash starts. The address is the only state. */
(() => {
  "use strict";
  // "Share chart" would post the figure with its data to a public service; off for every chart.
  Plotly.setPlotConfig({ showSendToCloud: false, plotlyServerURL: "", displaylogo: false });

  const EVERY_MS = 60000;
  let shown = location.search;
  let asked = 0;

  const form = () => document.getElementById("filters");
  const board = () => document.getElementById("board");

  function effectiveTheme() {
    const set = document.documentElement.dataset.bsTheme;
    if (set === "dark" || set === "light") return set;
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  function goTo(search) {
    dash_clientside.set_props("url", { search });
  }

  document.addEventListener("change", (event) => {
    const filters = event.target.form;
    if (!filters || filters.id !== "filters") return;
    event.preventDefault();
    const query = new URLSearchParams(new FormData(filters));
    if (query.get("period") !== "custom") {
      query.delete("first");
      query.delete("last");
    }
    for (const [name, value] of [...query]) if (!value) query.delete(name);
    const text = query.toString();
    goTo(text && "?" + text);
  });

  /* The page's own words and tables: fetched again as the same page, part by part. */
  async function refresh(search, { onlyNewer = false } = {}) {
    const turn = ++asked;
    const answer = await fetch(location.pathname + search, { credentials: "same-origin" });
    if (turn !== asked) return;
    if (answer.status === 401 || answer.redirected) return askToSignIn();
    if (!answer.ok) return say(board().dataset.failed);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const asOf = page.getElementById("board").dataset.asOf;
    if (turn !== asked || (onlyNewer && asOf === board().dataset.asOf)) return;
    for (const part of document.querySelectorAll("[data-part]")) {
      const fresh = page.getElementById(part.id);
      if (fresh) part.replaceChildren(...fresh.childNodes);
    }
    for (const field of form().elements) {
      const told = field.id && page.getElementById(field.id);
      if (told) field.value = told.value; // the days that a period means are known to the server
    }
    board().dataset.asOf = asOf;
    say(page.getElementById("board").dataset.sentence);
    if (onlyNewer) dash_clientside.set_props("fresh", { data: asOf });
  }

  /* A chart's table: fetched when it is opened, and again when the view has changed. */
  async function fill(details) {
    const place = details.querySelector("[data-src]");
    if (!details.open || !place || place.dataset.shown === place.dataset.src) return;
    const source = place.dataset.src;
    const answer = await fetch(source, { credentials: "same-origin" });
    if (answer.status === 401 || answer.redirected) return askToSignIn();
    if (!answer.ok || source !== place.dataset.src) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    place.replaceChildren(...page.body.childNodes);
    place.dataset.shown = source;
  }

  document.addEventListener(
    "toggle",
    (event) => event.target.matches(".as-table") && fill(event.target),
    true, // toggle does not bubble
  );
  new MutationObserver((changes) => {
    for (const { target } of changes) fill(target.closest(".as-table"));
  }).observe(document.documentElement, { subtree: true, attributeFilter: ["data-src"] });

  function say(sentence) {
    const place = document.getElementById("board-says");
    if (place) place.textContent = sentence || "";
  }

  function askToSignIn() {
    const dialog = document.getElementById("board-signed-out");
    if (dialog && !dialog.open) dialog.showModal();
  }

  const plainFetch = window.fetch;
  window.fetch = async (...call) => {
    const answer = await plainFetch(...call);
    if (answer.status === 401) askToSignIn();
    return answer;
  };

  new MutationObserver(() => dash_clientside.set_props("theme", { data: effectiveTheme() })).observe(
    document.documentElement,
    { attributeFilter: ["data-bs-theme"] },
  );

  setInterval(() => {
    if (!document.hidden && board() && board().dataset.live) {
      refresh(location.search, { onlyNewer: true });
    }
  }, EVERY_MS);

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    board: {
      sync: (search) => {
        const query = new URLSearchParams(search || "");
        for (const field of form() ? form().elements : []) {
          if (!field.name) continue;
          field.value = query.get(field.name) || field.dataset.default || "";
        }
        if ((search || "") !== shown) {
          shown = search || "";
          refresh(shown);
        }
        return window.dash_clientside.no_update;
      },
      theme: () => effectiveTheme(),
      /* A day of the trend was chosen: the period becomes that production day. */
      pick: (click, search) => {
        const day = click && click.points && click.points[0] && click.points[0].customdata;
        if (!day) return window.dash_clientside.no_update;
        const query = new URLSearchParams(search || "");
        query.set("period", "custom");
        query.set("first", String(day));
        query.set("last", String(day));
        return "?" + query.toString();
      },
    },
  });
})();
