// Uses the page as a reader would, and gives back what was seen after each step.
async (row, column) => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (selector) => document.querySelector(selector);
  const drawn = (element) => element.checkVisibility();
  const settled = () => new Promise((done) => { setTimeout(done, 50); });
  const told = {};

  told.sections = Object.fromEntries(all("section").map((section) => [section.id, Math.round(section.offsetHeight)]));
  told.unnamedSections = all("section").filter((section) => !document.getElementById(section.getAttribute("aria-labelledby"))).length;
  told.broken = [...document.images].filter((image) => image.src && !image.naturalWidth).length;
  told.withoutAlt = [...document.images].filter((image) => !image.hasAttribute("alt")).length;
  told.requests = performance.getEntriesByType("resource").map((entry) => entry.name).filter((name) => !name.startsWith("data:"));
  told.nameless = all("button, input, select, a, summary, svg[role=img]").filter(drawn)
    .filter((element) => !(element.getAttribute("aria-label") || element.textContent.trim() || element.labels?.length || element.title))
    .map((element) => element.outerHTML.slice(0, 80));
  told.landmarks = ["header", "nav", "main"].map((name) => all(name).filter(drawn).some((element) => element.closest("article") === null));

  // Contrast of every text with what lies behind it, WCAG 2.2, in both themes.
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] > 200) return colour;
    }
    return rgba(getComputedStyle(document.body).backgroundColor);
  };
  const luminance = (rgb) => rgb.slice(0, 3).map((level) => level / 255)
    .map((level) => (level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4))
    .reduce((sum, level, at) => sum + level * [0.2126, 0.7152, 0.0722][at], 0);
  const contrast = () => {
    const poor = new Set();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      if (!walker.currentNode.data.trim() || !drawn(element) || element.closest("script, title, desc, :disabled, .worldmap")) continue;
      const style = getComputedStyle(element);
      const pair = [luminance(rgba(element.closest("svg") ? style.fill : style.color)), luminance(behind(element))].sort();
      const ratio = (pair[1] + 0.05) / (pair[0] + 0.05);
      const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.6 && Number(style.fontWeight) >= 700);
      if (ratio < (large ? 3 : 4.5)) poor.add(`${walker.currentNode.data.trim().slice(0, 30)} ${ratio.toFixed(2)}`);
    }
    return [...poor];
  };
  told.poor = {};
  for (const theme of ["light", "dark"]) {
    document.documentElement.dataset.theme = theme;
    told.poor[theme] = contrast();
  }

  // The browser of samples.
  const shown = () => all(".sample").filter(drawn).flatMap((sample) => all("[data-layer]", sample).filter(drawn)
    .map((figure) => ({ id: sample.dataset.id, layer: figure.dataset.layer, season: figure.closest(".season").dataset.season,
      picture: figure.querySelector("img").src, over: figure.querySelector(".over")?.src ?? "", opacity: figure.querySelector(".over")?.style.opacity ?? "" })));
  const set = (name, value) => {
    const input = one(`[name="${name}"][type=radio][value="${value}"]`);
    if (input) { input.click(); return; }
    one(`[name="${name}"]`).value = value;
    one(`[name="${name}"]`).dispatchEvent(new Event("input", { bubbles: true }));
  };
  const press = (key, target = document.activeElement) => target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  const legends = () => all("[data-legend]").filter(drawn).map((legend) => legend.dataset.legend);
  told.browser = { first: shown(), legendsAtFirst: legends() };
  set("layer", "label");
  told.browser.label = shown();
  told.browser.legendsOfLabel = legends();
  set("season", "2");
  set("over", "truth");
  set("opacity", "80");
  told.browser.overlaid = shown();
  one(".sample:not([hidden]) .season:not(.off) figure:not(.off) .shot").focus();
  press("ArrowRight");
  told.browser.right = shown();
  told.browser.focus = document.activeElement.closest(".sample")?.dataset.id ?? "";
  press("ArrowDown");
  press("0");
  told.browser.down = shown();
  told.browser.kept = Object.values(sessionStorage).join(" ");
  all(".picker button")[2].click();
  set("layer", "all");
  told.browser.everything = shown();
  told.browser.pressed = one(".picker [aria-pressed=true]").textContent;
  const shot = one('.sample:not([hidden]) [data-layer="label"] .shot');
  const box = shot.getBoundingClientRect();
  shot.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: box.left + box.width * ((column + 0.5) / 32), clientY: box.top + box.height * ((row + 0.5) / 32) }));
  told.browser.readout = one(".readout").textContent;
  shot.click();
  const dialog = one("#zoom");
  const enlarged = () => [dialog.open, dialog.querySelector("p").textContent, dialog.querySelector("img").src === shot.querySelector("img").src];
  told.browser.enlarged = enlarged();
  press("ArrowRight", dialog);
  told.browser.next = enlarged();
  dialog.close();

  // The map.
  const map = one("#map");
  map.setPointerCapture = () => {};  // no browser holds a pointer that no hand moves
  const view = () => { const { x, y, width } = map.viewBox.baseVal; return { x, y, width }; };
  const press2 = (name) => one(`[data-zoom=${name}]`).click();
  const seen = told.map = { whole: view() };
  press2("in"); seen.in = view();
  press2("out"); seen.out = view();
  press2("fit"); seen.fit = view();
  await settled();
  const frame = map.getBoundingClientRect();
  const marks = all(".marks path", map);
  const boxes = marks.map((mark) => mark.getBoundingClientRect());
  seen.allInside = boxes.every((r) => r.left >= frame.left && r.right <= frame.right && r.top >= frame.top && r.bottom <= frame.bottom);
  seen.widest = Math.max(...boxes.map((r) => r.width));
  press2("world");
  const at = (x, y) => ({ clientX: frame.left + x * frame.width, clientY: frame.top + y * frame.height });
  const wheel = () => map.dispatchEvent(new WheelEvent("wheel", { deltaY: -300, cancelable: true, ...at(0.5, 0.5) }));
  document.activeElement.blur();
  wheel(); seen.wheelUnasked = view();
  map.focus();
  const out = new WheelEvent("wheel", { deltaY: 300, cancelable: true, ...at(0.5, 0.5) });
  map.dispatchEvent(out); seen.scrollsOn = !out.defaultPrevented;
  wheel(); seen.wheel = view();
  press("+"); seen.plus = view();
  press("ArrowRight"); seen.right = view();
  press("0"); seen.zero = view();
  const point = (type, pointerId, x, y, more = {}) => map.dispatchEvent(new PointerEvent(type, { pointerId, bubbles: true, ...at(x, y), ...more }));
  press2("in"); seen.beforeDrag = view();
  point("pointerdown", 1, 0.5, 0.5); point("pointermove", 1, 0.4, 0.5); point("pointerup", 1, 0.4, 0.5);
  seen.drag = view();
  point("pointerdown", 1, 0.001, 0.5); point("pointerleave", 1, 0, 0.5); point("pointermove", 1, 0.5, 0.5);
  point("pointerdown", 1, 0.4, 0.5, { button: 2 }); point("pointermove", 1, 0.6, 0.5);
  seen.undragged = view();
  point("pointerdown", 1, 0.4, 0.5); point("pointerdown", 2, 0.6, 0.5); point("pointermove", 2, 0.8, 0.5);
  point("pointerup", 1, 0.4, 0.5); point("pointerup", 2, 0.8, 0.5);
  seen.pinch = view();
  seen.scale = one(".map-scale").textContent;
  press2("world");
  const visible = () => marks.filter((mark) => mark.getBoundingClientRect().width > 0).length;
  seen.marks = visible();
  one('[data-kind="0"] button').click(); seen.withoutKept = visible();
  one('[data-kind="0"] button').click(); seen.withKept = visible();
  const click = (id) => one(`.marks [data-id="${id}"]`).dispatchEvent(new MouseEvent("click", { bubbles: true, ...at(0.5, 0.5) }));
  point("pointerdown", 1, 0.5, 0.5); point("pointerup", 1, 0.5, 0.5);
  click("0000004"); seen.dropped = one(".place").textContent;
  click("0000003"); seen.previewed = one(".place").textContent;
  seen.sample = one(".sample:not([hidden])").dataset.id;
  const find = (id) => { one(".map-find input").value = id; one(".map-find button").click(); };
  find("nowhere"); seen.nowhere = one(".place").textContent;
  find("0000005"); seen.found = { view: view(), chosen: all(".chosen").map((mark) => mark.dataset.id), grid: all("#finer-grid text").length };

  // What can be copied.
  Object.defineProperty(navigator, "clipboard", { value: { writeText: async (words) => { told.copied.push(words); } } });
  told.copied = [];
  for (const button of all(".copy")) button.click();
  await settled();
  return told;
}
