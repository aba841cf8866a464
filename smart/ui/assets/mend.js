// Gradio's placeholder for "nothing here yet" has a label but no role that could carry it.
(() => {
  const name = () => document.querySelectorAll(".empty[aria-label]:not([role])")
    .forEach((one) => one.setAttribute("role", "img"));
  function begin() {
    name();
    new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
  }
  if (document.body) begin(); else document.addEventListener("DOMContentLoaded", begin);
})();
