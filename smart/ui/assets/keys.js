// Keys: Ctrl+Enter paints, Esc stops, arrows go from picture to picture.
(() => {
  const inSight = (selector) =>
    [...document.querySelectorAll(selector)].find((one) => one.offsetParent !== null && !one.disabled);
  const open = "dialog[open], .fullscreen, [aria-modal=true]"; // these take Esc first

  function step(gallery, by) {
    const tiles = [...gallery.querySelectorAll("button.thumbnail-item")];
    if (!tiles.length) return;
    const focused = tiles.indexOf(document.activeElement);
    const from = focused >= 0 ? focused : tiles.findIndex((tile) => tile.classList.contains("selected"));
    const tile = tiles[(Math.max(from, by > 0 ? -1 : 0) + by + tiles.length) % tiles.length];
    tile.focus();
    tile.click();
  }
  function columns(gallery) {
    const [first] = gallery.querySelectorAll("button.thumbnail-item");
    return [...gallery.querySelectorAll("button.thumbnail-item")]
      .filter((tile) => Math.abs(tile.getBoundingClientRect().top - first.getBoundingClientRect().top) < 4).length;
  }
  // Gradio opens a list at any key, at the Tab that leaves it, too; without these leaving closes it.
  const silent = ["Tab", "Shift", "Control", "Alt", "Meta"];
  document.addEventListener("keydown", (event) => {
    if (silent.includes(event.key) && event.target.matches?.("input[role=combobox]")) event.stopPropagation();
  }, true);
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const button = inSight("[data-key=paint], #paint");
      if (button) { event.preventDefault(); document.activeElement.blur(); button.click(); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key === "Escape") {
      const button = !inSight(open) && inSight("#stop");
      if (button) { event.preventDefault(); button.click(); }
      return;
    }
    const ways = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: 0, ArrowDown: 0 };
    if (!(event.key in ways)) return;
    const here = event.target;
    const within = here.closest && here.closest(".choice");
    // Without focus the arrows go through the sitters; up and down then scroll, as always.
    const gallery = within || (here === document.body && ways[event.key] && inSight("#sitters"));
    if (!gallery) return;
    event.preventDefault();
    const across = columns(gallery);
    step(gallery, ways[event.key] || (event.key === "ArrowDown" ? across : -across));
  });
  // On a phone the easel lies far below the button that stays in sight.
  document.addEventListener("click", (event) => {
    if (!event.target.closest || !event.target.closest("#paint, #walk, #search, #go-on")) return;
    const easel = document.querySelector("#status");
    if (easel && matchMedia("(max-width: 999px)").matches) {
      easel.scrollIntoView({ block: "start", behavior: "smooth" });
    }
  }, true);
})();
