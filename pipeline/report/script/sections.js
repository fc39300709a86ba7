{
  // The section in view is marked in the navigation.
  const links = new Map(all("nav a").map((link) => [link.hash.slice(1), link]));
  const mark = (here) => {
    for (const [id, link] of links) {
      link.classList.toggle("here", id === here);
      if (id === here) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
    }
  };
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) mark(entry.target.id);
  }, { rootMargin: "-20% 0px -75% 0px" });
  for (const section of all("section")) watcher.observe(section);
}
