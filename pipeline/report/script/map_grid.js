if (mapView) {
  // A finer grid once the map is near, a scale at the latitude of its middle, and where the pointer is.
  const { map } = mapView;
  const KM_A_DEGREE = 111.32;
  const grid = document.getElementById("finer-grid");
  const scale = document.querySelector(".map-scale");
  const pointer = document.querySelector(".map-at");
  const svg = (tag, attributes, text = "") => {
    const element = document.createElementNS(map.namespaceURI, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.textContent = text;
    return element;
  };
  const degrees = (value, [positive, negative], digits) => `${Math.abs(value).toFixed(digits)}° ${value < 0 ? negative : positive}`;
  const drawGrid = (view) => {
    const step = [15, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02].find((size) => view.width / size >= 4 && view.width / size <= 10);
    grid.replaceChildren();
    if (!step) return;
    const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
    const lines = [];
    const label = (x, y, words) => grid.append(svg("text", { style: `transform:translate(${x}px,${y}px) scale(var(--k))` }, words));
    for (let x = Math.ceil(view.x / step) * step; x < view.x + view.width; x += step) {
      lines.push(`M${x} ${view.y}v${view.height}`);
      label(x + view.width * 0.003, view.y + view.height * 0.975, degrees(x, "EW", digits));
    }
    for (let y = Math.ceil(view.y / step) * step; y < view.y + view.height; y += step) {
      lines.push(`M${view.x} ${y}h${view.width}`);
      label(view.x + view.width * 0.005, y - view.height * 0.008, degrees(-y, "NS", digits));
    }
    grid.prepend(svg("path", { d: lines.join(""), class: "graticule" }));
  };
  const drawScale = (view) => {
    const km = mapView.degreesAPixel() * KM_A_DEGREE * Math.cos((view.y + view.height / 2) * Math.PI / 180);
    const most = 110 * km;
    const power = 10 ** Math.floor(Math.log10(most));
    const length = [5, 2, 1].find((factor) => factor * power <= most) * power;
    scale.querySelector("i").style.width = `${length / km}px`;
    scale.querySelector("span").textContent = length < 1 ? `${length * 1000} m` : `${length.toLocaleString("en")} km`;
    scale.hidden = false;
  };
  map.addEventListener("drawn", (event) => { drawGrid(event.detail); drawScale(event.detail); });
  map.addEventListener("pointermove", (event) => {
    const { x, y } = mapView.at(event.clientX, event.clientY);
    pointer.textContent = `${degrees(-y, "NS", 2)}, ${degrees(x, "EW", 2)}`;
    pointer.hidden = false;
  });
  map.addEventListener("pointerleave", () => { pointer.hidden = true; });
}
