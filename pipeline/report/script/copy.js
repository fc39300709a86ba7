{
  // A button beside what a reader would copy.
  const copy = async (words) => {
    try {
      await navigator.clipboard.writeText(words);
    } catch {
      const field = make("textarea", { value: words, className: "unseen" });
      document.body.append(field);
      field.select();
      document.execCommand("copy");
      field.remove();
    }
  };
  for (const source of all(".copied")) {
    const words = source.textContent.trim();
    const button = make("button", { type: "button", className: "copy", textContent: "Copy" });
    button.setAttribute("aria-label", `Copy ${words}`);
    button.addEventListener("click", async () => {
      await copy(words);
      button.textContent = "Copied";
      say("Copied");
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    source.after(button);
  }
}
