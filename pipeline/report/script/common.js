const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const root = document.documentElement;

// What was chosen outlives a reload, where the browser lets a page remember anything.
const keep = (name, value) => {
  try { sessionStorage.setItem(`${document.title} ${name}`, JSON.stringify(value)); } catch { /* it may not */ }
};
const kept = (name) => {
  try { return JSON.parse(sessionStorage.getItem(`${document.title} ${name}`)); } catch { return null; }
};

// Told to a screen reader.
const say = (words) => { document.getElementById("said").textContent = words; };

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};
