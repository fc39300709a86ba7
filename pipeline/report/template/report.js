"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const root = document.documentElement;

  // Theme: the system's, unless the address (?theme=dark) or the button says otherwise.
  const button = document.getElementById("theme");
  const dark = () => {
    const chosen = root.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  const label = () => { button.textContent = dark() ? "Light" : "Dark"; };
  const asked = new URLSearchParams(location.search).get("theme");
  if (asked === "dark" || asked === "light") root.dataset.theme = asked;
  button.hidden = false;
  button.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; label(); });
  label();

  // Samples: one at a time, chosen by its thumbnail.
  const samples = all(".sample");
  const picker = document.querySelector(".picker");
  const choose = (id) => {
    for (const sample of samples) sample.hidden = sample.dataset.id !== id;
    for (const entry of all("button", picker)) entry.setAttribute("aria-pressed", String(entry.dataset.id === id));
  };
  if (picker) {
    for (const sample of samples) {
      const entry = document.createElement("button");
      const image = document.createElement("img");
      entry.type = "button";
      entry.dataset.id = sample.dataset.id;
      image.src = sample.querySelector("img").src;
      image.alt = "";
      entry.append(image, sample.dataset.id);
      entry.addEventListener("click", () => choose(sample.dataset.id));
      picker.append(entry);
    }
    picker.hidden = false;
    choose(samples[0].dataset.id);
  }

  // A click enlarges a picture.
  const dialog = document.getElementById("zoom");
  for (const shot of all(".shot")) {
    shot.addEventListener("click", () => {
      const image = shot.querySelector("img");
      dialog.querySelector("img").src = image.src;
      dialog.querySelector("img").alt = image.alt;
      dialog.querySelector("p").textContent = image.alt;
      dialog.showModal();
    });
  }
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  // The section in view is marked in the navigation.
  const links = new Map(all("nav a").map((link) => [link.hash.slice(1), link]));
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const [id, link] of links) link.classList.toggle("here", id === entry.target.id);
    }
  }, { rootMargin: "-20% 0px -75% 0px" });
  for (const section of all("section")) watcher.observe(section);

  // Map: the view box is the state; marks keep their size on the screen through --k.
  const map = document.getElementById("map");
  if (!map) return;
  const world = map.viewBox.baseVal;
  const whole = { x: world.x, y: world.y, width: world.width, height: world.height };
  let view = { ...whole };
  const draw = () => {
    view.width = Math.min(Math.max(view.width, whole.width / 400), whole.width);
    view.height = view.width * whole.height / whole.width;
    view.x = Math.min(Math.max(view.x, whole.x), whole.x + whole.width - view.width);
    view.y = Math.min(Math.max(view.y, whole.y), whole.y + whole.height - view.height);
    map.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
    map.classList.toggle("near", view.width < whole.width * 0.999);
    map.style.setProperty("--k", 1.4 * view.width / (map.clientWidth || 1000));
  };
  const at = (clientX, clientY) => {
    const box = map.getBoundingClientRect();
    return { x: view.x + (clientX - box.left) / box.width * view.width, y: view.y + (clientY - box.top) / box.height * view.height };
  };
  const zoom = (factor, place) => {
    const width = Math.min(Math.max(view.width * factor, whole.width / 400), whole.width);
    const ratio = width / view.width;
    view = { x: place.x - (place.x - view.x) * ratio, y: place.y - (place.y - view.y) * ratio, width, height: 0 };
    draw();
  };
  const middle = () => ({ x: view.x + view.width / 2, y: view.y + view.height / 2 });
  const fit = () => {
    const places = all(".marks path", map).map((mark) => mark.style.transform.match(/-?[\d.]+(?=px)/g).map(Number));
    if (!places.length) return;
    const xs = places.map((place) => place[0]);
    const ys = places.map((place) => place[1] ?? 0);
    const low = { x: Math.min(...xs), y: Math.min(...ys) };
    const span = { x: Math.max(...xs) - low.x, y: Math.max(...ys) - low.y };
    const width = Math.max(span.x, span.y * whole.width / whole.height, 0.5) * 1.15;
    const height = width * whole.height / whole.width;
    view = { x: low.x + span.x / 2 - width / 2, y: low.y + span.y / 2 - height / 2, width, height };
    draw();
  };
  const actions = {
    in: () => zoom(0.5, middle()),
    out: () => zoom(2, middle()),
    fit,
    world: () => { view = { ...whole }; draw(); },
  };
  for (const tool of all("[data-zoom]")) tool.addEventListener("click", actions[tool.dataset.zoom]);
  document.querySelector(".map-tools").hidden = false;
  map.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && document.activeElement !== map) return;
    event.preventDefault();
    zoom(Math.exp(event.deltaY * 0.0016), at(event.clientX, event.clientY));
  }, { passive: false });
  map.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "+" || event.key === "=") actions.in();
    else if (event.key === "-") actions.out();
    else if (step) { view.x += step[0] * view.width / 8; view.y += step[1] * view.height / 8; draw(); }
    else return;
    event.preventDefault();
  });
  const fingers = new Map();
  let travelled = 0;
  map.addEventListener("pointerdown", (event) => {
    if (!fingers.size) travelled = 0;
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  map.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    travelled += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
    const others = [...fingers].filter(([id]) => id !== event.pointerId).map(([, finger]) => finger);
    if (others.length) {
      const other = others[0];
      const apart = (finger) => Math.hypot(finger.x - other.x, finger.y - other.y) || 1;
      zoom(apart(before) / apart(now), at((now.x + other.x) / 2, (now.y + other.y) / 2));
    } else if (travelled > 4) {
      if (!map.hasPointerCapture(event.pointerId)) map.setPointerCapture(event.pointerId);
      const scale = view.width / map.clientWidth;
      view.x -= (now.x - before.x) * scale;
      view.y -= (now.y - before.y) * scale;
      draw();
    }
    fingers.set(event.pointerId, now);
  });
  for (const end of ["pointerup", "pointercancel"]) map.addEventListener(end, (event) => fingers.delete(event.pointerId));
  map.addEventListener("click", (event) => {
    const id = event.target.dataset && event.target.dataset.sample;
    if (!id || travelled > 4) return;
    choose(id);
    document.getElementById("samples").scrollIntoView();
  });
  new ResizeObserver(draw).observe(map);
})();
