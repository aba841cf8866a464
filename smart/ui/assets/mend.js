// Gradio's placeholder for "nothing here yet" has a label but no role that could carry it.
// A picture in a gallery is called by its caption, not by its number. And the picture on the easel is
// there before one scrolls to it: on a phone it is far below, and a late one moves what is read.
(() => {
  function name() {
    document.querySelectorAll(".empty[aria-label]:not([role])").forEach((one) => one.setAttribute("role", "img"));
    document.querySelectorAll("#easel img[loading=lazy]").forEach((one) => { one.loading = "eager"; });
    for (const tile of document.querySelectorAll("button.thumbnail-item")) {
      const said = tile.querySelector(".caption-label")?.textContent || tile.querySelector("img")?.alt || "";
      const caption = said.trim();
      if (caption && tile.getAttribute("aria-label") !== caption) tile.setAttribute("aria-label", caption);
    }
  }
  function begin() {
    name();
    new MutationObserver(name).observe(document.body, {
      childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ["aria-label"],
    });
  }
  if (document.body) begin(); else document.addEventListener("DOMContentLoaded", begin);
})();
