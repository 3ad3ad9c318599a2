// Chooses light or dark before the first paint. Loaded blocking in the head, so that no page flashes.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const wanted = root.dataset.theme;
    const dark = wanted === "dark" || (wanted !== "light" && system.matches);
    root.dataset.bsTheme = dark ? "dark" : "light";
  };
  apply();
  system.addEventListener("change", apply);
})();
