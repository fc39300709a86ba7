(() => {
"use strict";
const root = document.documentElement;
const parts = () => [...document.querySelectorAll("[data-part]")];

// Read by an older copy of itself: a page opened from a disk may load itself into a frame, but may not read a file.
if (new URLSearchParams(location.search).has("feed") && window.parent !== window) {
  const html = Object.fromEntries(parts().map(part => [part.dataset.part, part.outerHTML]));
  window.parent.postMessage({ noldo: { ...root.dataset }, html }, location.protocol === "file:" ? "*" : location.origin);
  return;
}

const MISSES = 3;
let heardAt = null, heard = false, misses = 0, frame = null, timer = 0;
const shown = Object.fromEntries(parts().map(part => [part.dataset.part, part.outerHTML]));
const running = () => root.dataset.state === "running";
const pause = () => Math.max(Number(root.dataset.next), 1) * 1000;

// By this browser's clock alone where it has seen the page change: the writer's may be another machine's.
const age = () => Math.max((heardAt === null ? Date.now() - Number(root.dataset.written) : performance.now() - heardAt) / 1000, 0);
const words = s => s < 90 ? `${Math.round(s)} s` : s < 5400 ? `${Math.round(s / 60)} min` : s < 172800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} days`;

const tick = () => {
  document.getElementById("age").textContent = ` (${words(age())} ago)`;
  const lost = running() && age() > Number(root.dataset.next) + Number(root.dataset.grace);
  const silent = document.getElementById("silent");
  silent.hidden = !lost;
  document.querySelector(".live-state").classList.toggle("live-lost", lost);
  if (!lost) return;
  const text = misses >= MISSES && heard
    ? `The page cannot be read any more, for ${words(age())}: what serves it may have ended.`
    : `Nothing has been written for ${words(age())}: the build was killed, or hangs. The same command goes on where it was; this page then goes on too.`;
  if (silent.textContent !== text) silent.textContent = text;
};

const take = ({ noldo, html }) => {
  if (noldo.written === root.dataset.written) return;
  const was = root.dataset.state;
  Object.assign(root.dataset, noldo);
  heardAt = performance.now();
  document.title = noldo.title;
  for (const part of parts()) {
    const name = part.dataset.part;
    if (!(name in html) || html[name] === shown[name]) continue;
    const open = new Set([...part.querySelectorAll("details[open]")].map(details => details.id));
    shown[name] = html[name];
    part.outerHTML = html[name];
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  }
  tick();
  if (was === "running" && !running() && root.dataset.report) setTimeout(() => location.replace(root.dataset.report), 3000);
};

addEventListener("message", event => {
  if (!frame || event.source !== frame.contentWindow || !event.data.noldo) return;
  heard = true;
  misses = 0;
  take(event.data);
  schedule();
});

const ask = () => {
  if (!heard && misses >= MISSES) { location.reload(); return; }  // a server that forbids frames
  misses += 1;
  frame?.remove();
  frame = document.createElement("iframe");  // a new one each time: changing its address would fill the history
  frame.setAttribute("sandbox", "allow-scripts");
  frame.setAttribute("aria-hidden", "true");
  frame.tabIndex = -1;
  frame.src = `${location.pathname}?feed=${Date.now()}`;
  document.body.append(frame);
  schedule();
};

const schedule = () => {
  clearTimeout(timer);
  if (running()) timer = setTimeout(ask, pause());
};

tick();
setInterval(tick, 1000);
schedule();
})();
