// Keys that save a mouse. Each leads to a link or a field that is on the page.
"use strict";
(() => {
  let going = false;
  const typing = (target) => target.matches("input, select, textarea, [contenteditable]");
  const step = (by) => {
    const rows = [...document.querySelectorAll("[data-row]")];
    const at = rows.findIndex((row) => row.contains(document.activeElement));
    const row = rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + by))];
    row?.querySelector("a")?.focus();
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const key = event.key;
    if (going) {
      going = false;
      document.querySelector(`[data-key="${CSS.escape(key)}"]`)?.click();
      return;
    }
    if (key === "g") going = true;
    else if (key === "j") step(1);
    else if (key === "k") step(-1);
    else if (key === "/") {
      const field = document.querySelector("[data-search]");
      if (!field) return;
      event.preventDefault();
      field.focus();
    } else if (key === "?") document.getElementById("keys").showModal();
  });
})();
