// The page in the reader's language: every text that stands in the table is put in its place.
// A key is an English text, whole, as it stands on the page; {fields} in it take anything and are
// translated themselves. It works on the page because that is where all texts meet: labels, hints,
// choices, captions, messages that the server sends while it works, and gradio's own.
(() => {
  const tables = /* TABLES */ {};
  const asked = new URLSearchParams(location.search).get("lang");
  const wanted = [asked, ...(navigator.languages || [navigator.language])]
    .filter(Boolean).map((one) => one.toLowerCase().split("-")[0]);
  const language = wanted.find((one) => one === "en" || one in tables) || "en";
  document.documentElement.lang = language;
  if (!(language in tables)) return;

  const ATTRIBUTES = ["aria-label", "title", "placeholder", "alt"];
  const INLINE = new Set(["A", "B", "BR", "CODE", "EM", "I", "SMALL", "SPAN", "STRONG", "SUB", "SUP", "VAR"]);
  const APART = "script, style, textarea, [translate=no], [contenteditable=true]";
  const DEEPEST = 3; // a field within a field within a sentence
  const MOST_MISSES = 5000;

  const tidy = (text) => text.replace(/\s+/g, " ").trim();
  const exact = new Map();
  const patterns = [];
  for (const [key, value] of Object.entries(tables[language])) {
    if (!/\{\w+\}/.test(key)) { exact.set(tidy(key), value); continue; }
    const names = [];
    const source = tidy(key).split(/(\{\w+\})/).map((part) => {
      if (!/^\{\w+\}$/.test(part)) return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      names.push(part.slice(1, -1));
      return "(.+?)";
    }).join("");
    patterns.push({ shape: new RegExp(`^${source}$`), names, value, fixed: key.replace(/\{\w+\}/g, "").length });
  }
  patterns.sort((a, b) => b.fixed - a.fixed); // the most particular first
  const marked = patterns.filter(({ shape }) => shape.source.includes("<"));
  const misses = new Set();

  function translated(text, depth = 0) {
    const core = tidy(text);
    if (!core || !/\p{L}/u.test(core) || misses.has(core)) return null;
    if (exact.has(core)) return exact.get(core);
    for (const { shape, names, value } of patterns) {
      const found = shape.exec(core);
      if (!found) continue;
      const fields = {};
      names.forEach((name, index) => {
        const field = found[index + 1];
        fields[name] = (depth < DEEPEST && translated(field, depth + 1)) || field;
      });
      return value.replace(/\{(\w+)\}/g, (whole, name) => (name in fields ? fields[name] : whole));
    }
    if (misses.size < MOST_MISSES) misses.add(core);
    return null;
  }

  const written = new WeakMap(); // what stands there by our hand, which is no English
  function onText(node) {
    if (written.get(node) === node.data) return;
    const found = translated(node.data);
    if (found === null) return;
    const [before] = node.data.match(/^\s*/);
    const [after] = node.data.match(/\s*$/);
    written.set(node, before + found + after);
    node.data = before + found + after;
  }
  function onAttributes(element) {
    for (const name of ATTRIBUTES) {
      const text = element.getAttribute(name);
      const found = text && translated(text);
      if (found && found !== text) element.setAttribute(name, found);
    }
    // What a list shows as chosen is the value of a field that no one can type in.
    if (element.tagName === "INPUT" && element.readOnly) {
      const found = translated(element.value);
      if (found && found !== element.value) element.value = found;
    }
  }
  // A sentence with words in bold is one text, and keeps its order of words only as a whole.
  function asOne(element) {
    if (!element.firstElementChild || element.innerHTML.length > 3000) return false;
    for (const child of element.querySelectorAll("*")) if (!INLINE.has(child.tagName)) return false;
    const key = tidy(element.innerHTML);
    if (!exact.has(key) && !marked.some(({ shape }) => shape.test(key))) return false;
    element.innerHTML = translated(key); // what fills its fields stood there, as safe as it was
    return true;
  }
  function visit(node) {
    if (node.nodeType === Node.TEXT_NODE) { onText(node); return; }
    if (node.nodeType !== Node.ELEMENT_NODE) return;
    if (node.tagName === "TEXTAREA") onAttributes(node); // its placeholder; what is typed is not ours
    if (node.matches(APART)) return;
    onAttributes(node);
    if (asOne(node)) return;
    for (const child of [...node.childNodes]) visit(child);
  }
  const apart = (node) => (node.parentElement || node).closest(APART);
  function onChange(changes) {
    for (const change of changes) {
      if (apart(change.target)) continue;
      if (change.type === "childList") change.addedNodes.forEach(visit);
      else if (change.type === "characterData") onText(change.target);
      else onAttributes(change.target);
    }
    document.querySelectorAll("input[readonly]").forEach(onAttributes);
  }
  function begin() {
    visit(document.body);
    new MutationObserver(onChange).observe(document.body, {
      childList: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES, subtree: true,
    });
  }
  if (document.body) begin(); else document.addEventListener("DOMContentLoaded", begin);
})();
