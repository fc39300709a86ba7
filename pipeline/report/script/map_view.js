// The map's view box is its state; marks keep their size on the screen through --k. Null where there is no map.
const mapView = (() => {
  const map = document.getElementById("map");
  if (!map) return null;
  const NEAREST = 2000;
  const world = map.viewBox.baseVal;
  const whole = { x: world.x, y: world.y, width: world.width, height: world.height };
  let view = { ...whole, ...kept("map") };
  const draw = () => {
    view.width = Math.min(Math.max(view.width, whole.width / NEAREST), whole.width);
    view.height = view.width * whole.height / whole.width;
    view.x = Math.min(Math.max(view.x, whole.x), whole.x + whole.width - view.width);
    view.y = Math.min(Math.max(view.y, whole.y), whole.y + whole.height - view.height);
    map.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
    map.classList.toggle("near", view.width < whole.width * 0.999);
    const size = String(1.4 * view.width / (map.clientWidth || 1000));
    if (map.style.getPropertyValue("--k") !== size) map.style.setProperty("--k", size);
    keep("map", view);
    map.dispatchEvent(new CustomEvent("drawn", { detail: view }));
  };
  const at = (clientX, clientY) => {
    const box = map.getBoundingClientRect();
    return { x: view.x + (clientX - box.left) / box.width * view.width, y: view.y + (clientY - box.top) / box.height * view.height };
  };
  const zoom = (factor, place) => {
    const width = Math.min(Math.max(view.width * factor, whole.width / NEAREST), whole.width);
    const ratio = width / view.width;
    view = { x: place.x - (place.x - view.x) * ratio, y: place.y - (place.y - view.y) * ratio, width, height: 0 };
    draw();
  };
  const move = (across, down) => { view.x += across * view.width; view.y += down * view.height; draw(); };
  const middle = () => ({ x: view.x + view.width / 2, y: view.y + view.height / 2 });
  const placeOf = (mark) => {
    const [x, y] = mark.style.transform.match(/-?[\d.]+(?=px)/g).map(Number);
    return { x, y: y ?? 0 };
  };
  const enclose = (places, least = 0.5) => {
    if (!places.length) return;
    const [xs, ys] = [places.map((place) => place.x), places.map((place) => place.y)];
    const ends = (values) => values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
    const [[left, right], [top, bottom]] = [ends(xs), ends(ys)];
    const width = Math.max(right - left, (bottom - top) * whole.width / whole.height, least) * 1.15;
    const height = width * whole.height / whole.width;
    view = { x: (left + right) / 2 - width / 2, y: (top + bottom) / 2 - height / 2, width, height };
    draw();
  };
  const actions = {
    in: () => zoom(0.5, middle()),
    out: () => zoom(2, middle()),
    fit: () => enclose(all(".marks:not(.off) path:not(.off)", map).map(placeOf)),
    world: () => { view = { ...whole }; draw(); },
  };
  for (const tool of all("[data-zoom]")) tool.addEventListener("click", actions[tool.dataset.zoom]);
  document.querySelector(".map-tools").hidden = false;

  // The page scrolls over a map that nobody has clicked; a pinch on a touchpad arrives as a wheel with Ctrl.
  map.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && document.activeElement !== map) return;
    if (event.deltaY > 0 && !map.matches(".near") && !event.ctrlKey) return;  // nothing left to zoom out: the page scrolls on
    event.preventDefault();
    zoom(Math.exp(event.deltaY * 0.0016), at(event.clientX, event.clientY));
  }, { passive: false });
  map.addEventListener("dblclick", (event) => zoom(0.5, at(event.clientX, event.clientY)));
  map.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "+" || event.key === "=") actions.in();
    else if (event.key === "-") actions.out();
    else if (event.key === "0") actions.world();
    else if (by) move(by[0] / 8, by[1] / 8);
    else return;
    event.preventDefault();
  });
  const fingers = new Map();
  let travelled = 0;
  map.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
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
      move((before.x - now.x) / map.clientWidth, (before.y - now.y) / map.clientHeight);
    }
    fingers.set(event.pointerId, now);
  });
  // A press that has not moved far is not captured, so its end may come outside of the map.
  for (const end of ["pointerup", "pointercancel", "pointerleave"]) map.addEventListener(end, (event) => fingers.delete(event.pointerId));
  new ResizeObserver(draw).observe(map);
  return { map, at, enclose, placeOf, redraw: draw, wasDragged: () => travelled > 4, degreesAPixel: () => view.width / map.clientWidth };
})();
