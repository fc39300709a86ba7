{
  // A click enlarges a picture; the arrow keys then go through those that stand beside it.
  const dialog = document.getElementById("zoom");
  const enlarged = dialog.querySelector("img");
  let among = [];
  let shown = 0;
  const show = (at) => {
    shown = (at + among.length) % among.length;
    const image = among[shown].querySelector("img");
    enlarged.src = image.src;
    enlarged.alt = image.alt;
    dialog.querySelector("p").textContent = image.alt;
  };
  for (const shot of all(".shot")) {
    shot.addEventListener("click", () => {
      among = all(".shot", shot.closest("article")).filter((other) => other.offsetParent);
      show(Math.max(among.indexOf(shot), 0));
      dialog.showModal();
    });
  }
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) show(shown + by);
  });
}
