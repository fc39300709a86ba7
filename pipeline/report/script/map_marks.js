if (mapView) {
  // Kinds and splits can be hidden by their legend; a mark tells what became of its place and leads to its pictures.
  const { map } = mapView;
  const REACH_PX = 14;
  const marks = all(".marks path", map);
  const told = document.querySelector(".place");
  const hiddenSplits = new Set();
  const toggle = (entry, change) => {
    const button = make("button", { type: "button" }, ...entry.childNodes);
    button.setAttribute("aria-pressed", "true");
    button.addEventListener("click", () => {
      const shown = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(shown));
      change(shown);
    });
    entry.append(button);
  };
  for (const entry of all(".map-legend [data-kind]")) {
    const layers = all(`.marks[data-kind="${entry.dataset.kind}"]`, map);
    toggle(entry, (shown) => { for (const layer of layers) layer.classList.toggle("off", !shown); });
  }
  for (const entry of all(".map-legend [data-split]")) {
    toggle(entry, (shown) => {
      if (shown) hiddenSplits.delete(entry.dataset.split); else hiddenSplits.add(entry.dataset.split);
      for (const mark of marks) mark.classList.toggle("off", hiddenSplits.has(mark.dataset.split));
    });
  }
  const tell = (mark) => {
    for (const other of all(".chosen", map)) other.classList.remove("chosen");
    mark.classList.add("chosen");
    mark.parentNode.append(mark);
    const { id, detail, split } = mark.dataset;
    const words = [mark.querySelector("title").textContent, split && `split ${split}`, detail].filter(Boolean).join(" · ");
    told.replaceChildren(words);
    if ("sample" in mark.dataset) {
      told.append(" ", make("a", { href: "#samples", textContent: "See its pictures" }));
      document.dispatchEvent(new CustomEvent("show-sample", { detail: id }));
    }
    told.hidden = false;
  };
  const nearest = (event) => {
    const place = mapView.at(event.clientX, event.clientY);
    let best = [REACH_PX * mapView.degreesAPixel(), null];
    for (const mark of all(".marks:not(.off) path:not(.off)", map)) {
      const { x, y } = mapView.placeOf(mark);
      const off = Math.hypot(x - place.x, y - place.y);
      if (off < best[0]) best = [off, mark];
    }
    return best[1];
  };
  map.addEventListener("click", (event) => {
    if (mapView.wasDragged()) return;
    const mark = event.target.closest(".marks path") ?? nearest(event);
    if (mark) tell(mark);
  });
  const find = document.querySelector(".map-find");
  find.addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = find.elements.id.value.trim();
    const mark = marks.find((other) => other.dataset.id === wanted);
    if (mark) {
      tell(mark);
      mapView.enclose([mapView.placeOf(mark)], 4);
    } else {
      told.hidden = false;
      told.textContent = `'${wanted}' is not on this map.`;
    }
  });
  find.hidden = false;
  mapView.redraw();
}
