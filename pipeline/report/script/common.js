const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const root = document.documentElement;
root.classList.add("scripts");

// What was chosen on this page outlives a reload, where the browser lets a page remember anything.
const keep = (name, value) => {
  try { sessionStorage.setItem(`${location.pathname} ${name}`, JSON.stringify(value)); } catch { /* it may not */ }
};
const kept = (name) => {
  try { return JSON.parse(sessionStorage.getItem(`${location.pathname} ${name}`)); } catch { return null; }
};

// Told to a screen reader.
const say = (words) => { document.getElementById("said").textContent = words; };

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
