{
  // One sample at a time, one layer or all, one season or all; another layer may be laid over it.
  const browser = document.querySelector(".browser");
  if (browser) {
    const samples = all(".sample", browser);
    const ids = samples.map((sample) => sample.dataset.id);
    const picker = browser.querySelector(".picker");
    const tools = browser.querySelector(".browser-tools");
    const values = (name) => all(`[name="${name}"]`, tools).map((input) => input.value);
    const layers = values("layer");
    const seasons = values("season");
    const first = { id: ids[0], layer: tools.elements.layer.value, season: "all", over: "", opacity: 50 };
    const state = { ...first, ...kept("browser") };
    if (!ids.includes(state.id)) state.id = first.id;
    if (!layers.includes(state.layer)) state.layer = first.layer;
    if (!layers.includes(state.over)) state.over = "";
    if (!seasons.includes(state.season)) state.season = "all";

    const legendOf = (layer) => browser.querySelector(`[data-layer="${CSS.escape(layer)}"]`)?.dataset.reads;
    const layOver = (season) => {
      for (const old of all("img.over", season)) old.remove();
      const over = season.querySelector(`[data-layer="${CSS.escape(state.over)}"] img`);
      if (!over || state.layer === "all" || state.layer === state.over) return;
      const upper = make("img", { src: over.src, alt: "", className: "over" });
      upper.style.opacity = state.opacity / 100;
      season.querySelector(`[data-layer="${CSS.escape(state.layer)}"] .shot`).append(upper);
    };
    const draw = () => {
      for (const sample of samples) {
        sample.hidden = sample.dataset.id !== state.id;
        if (sample.hidden) continue;
        for (const season of all(".season", sample)) {
          season.classList.toggle("off", !["all", season.dataset.season].includes(state.season));
          for (const shot of all("[data-layer]", season)) shot.classList.toggle("off", !["all", shot.dataset.layer].includes(state.layer));
          layOver(season);
        }
      }
      for (const entry of all("button", picker)) entry.setAttribute("aria-pressed", String(entry.dataset.id === state.id));
      const used = new Set([state.layer, state.layer === "all" ? "" : state.over].filter(Boolean).map(legendOf));
      for (const legend of all("[data-legend]", browser)) legend.classList.toggle("off", state.layer !== "all" && !used.has(legend.dataset.legend));
      browser.dataset.layer = state.layer === "all" ? "all" : "one";
      browser.dataset.season = state.season === "all" ? "all" : "one";
      for (const name of ["layer", "season", "over", "opacity"]) if (tools.elements[name]) tools.elements[name].value = state[name];
      tools.querySelector(".blend").disabled = state.layer === "all";
    };
    const show = (change) => {
      const within = document.activeElement?.closest?.(".sample");
      Object.assign(state, change);
      draw();
      keep("browser", state);
      if (within?.hidden) browser.querySelector(".sample:not([hidden]) .season:not(.off) figure:not(.off) .shot")?.focus({ preventScroll: true });
      document.dispatchEvent(new CustomEvent("shown", { detail: { ...state } }));
    };
    const step = (list, value, by) => list[(list.indexOf(value) + by + list.length) % list.length];

    for (const sample of samples) {
      const thumbnail = make("img", { src: sample.querySelector("img").src, alt: "" });
      const entry = make("button", { type: "button" }, thumbnail, sample.dataset.id);
      entry.dataset.id = sample.dataset.id;
      entry.addEventListener("click", () => show({ id: sample.dataset.id }));
      picker.append(entry);
    }
    tools.addEventListener("input", (event) => show({ [event.target.name]: event.target.value }));
    tools.addEventListener("submit", (event) => event.preventDefault());
    browser.addEventListener("keydown", (event) => {
      if (event.target.matches("input, select, summary") || event.ctrlKey || event.metaKey || event.altKey) return;
      const across = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const down = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (across) show({ id: step(ids, state.id, across) });
      else if (down) show({ layer: step(layers, state.layer, down) });
      else if (event.key === "0" && seasons.length) show({ season: "all" });
      else if (seasons.includes(event.key)) show({ season: event.key });
      else return;
      event.preventDefault();
      picker.querySelector('[aria-pressed="true"]').scrollIntoView({ block: "nearest", inline: "nearest" });
      say(`${state.id}, ${tools.querySelector(`[name=layer][value="${CSS.escape(state.layer)}"]`).parentElement.textContent}`);
    });
    document.addEventListener("show-sample", (event) => { if (ids.includes(event.detail)) show({ id: event.detail }); });
    picker.hidden = tools.hidden = false;
    draw();
  }
}
