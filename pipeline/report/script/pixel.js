{
  // A cross at the same pixel of every picture of a sample, and the classes there, read from the pictures' colours.
  const readout = document.querySelector(".readout");
  const words = new Map();
  for (const legend of all("[data-legend]")) {
    const meaning = new Map(all("[data-colour]", legend).map((entry) => [entry.dataset.colour, entry.textContent]));
    words.set(legend.dataset.legend, { meaning, ramp: legend.dataset.ramp?.split(" ") });
  }
  const hexadecimal = (rgb) => `#${[...rgb].map((level) => level.toString(16).padStart(2, "0")).join("")}`;
  const levels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));

  // The level 0..1 whose colour on the ramp is nearest.
  const onRamp = (rgb, ramp) => {
    const stops = ramp.map(levels);
    let best = [Infinity, 0];
    for (let step = 0; step <= 255; step += 1) {
      const place = step / 255 * (stops.length - 1);
      const below = Math.min(Math.floor(place), stops.length - 2);
      const off = stops[below].reduce((sum, from, at) => sum + (from + (stops[below + 1][at] - from) * (place - below) - rgb[at]) ** 2, 0);
      if (off < best[0]) best = [off, step / 255];
    }
    return best[1].toFixed(2);
  };
  // The decoded pictures of the sample last pointed at; of a hundred samples they would fill half a gigabyte.
  let decoded = new Map();
  let decodedOf = null;
  const pixelsOf = (image) => {
    if (!decoded.has(image) && image.naturalWidth) {
      const canvas = make("canvas", { width: image.naturalWidth, height: image.naturalHeight });
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(image, 0, 0);
      decoded.set(image, context.getImageData(0, 0, canvas.width, canvas.height));
    }
    return decoded.get(image);
  };
  const read = (figure, across, down) => {
    const pixels = pixelsOf(figure.querySelector("img"));
    if (!pixels) return null;
    const at = 4 * (Math.floor(down * pixels.height) * pixels.width + Math.floor(across * pixels.width));
    const rgb = pixels.data.slice(at, at + 3);
    const { meaning, ramp } = words.get(figure.dataset.reads);
    const colour = hexadecimal(rgb);
    return { colour, said: ramp ? onRamp(rgb, ramp) : meaning.get(colour) ?? "?" };
  };
  const tell = (sample, across, down) => {
    if (decodedOf !== sample) [decodedOf, decoded] = [sample, new Map()];
    const side = Number(sample.dataset.px);
    const lines = new Map();
    for (const figure of all("[data-reads]", sample)) {
      const found = read(figure, across, down);
      if (!found) continue;
      const line = lines.get(figure.dataset.layer) ?? make("span", { className: "reading" }, make("b", { textContent: figure.querySelector("figcaption").textContent }));
      const swatch = make("i", { className: "swatch" });
      swatch.style.background = found.colour;
      line.append(" ", swatch, found.said);
      lines.set(figure.dataset.layer, line);
    }
    const place = make("span", { className: "reading" }, `row ${Math.floor(down * side)}, column ${Math.floor(across * side)}`);
    readout.replaceChildren(place, ...lines.values());
  };
  if (readout && all("[data-reads]").length) {
    readout.hidden = false;
    for (const sample of all(".sample")) {
      sample.addEventListener("pointermove", (event) => {
        const shot = event.target.closest(".shot");
        sample.classList.toggle("pointing", Boolean(shot));
        if (!shot) return;
        const box = shot.getBoundingClientRect();
        const [across, down] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]
          .map((part) => Math.min(Math.max(part, 0), 0.9999));
        sample.style.setProperty("--across", `${100 * across}%`);
        sample.style.setProperty("--down", `${100 * down}%`);
        tell(sample, across, down);
      });
      sample.addEventListener("pointerleave", () => sample.classList.remove("pointing"));
    }
  }
}
