// Tables that are wider than their box are shown row by row: see .sempal-stacked in book.css.
const stack = () => {
  for (const table of document.querySelectorAll(".bd-article table")) {
    const box = table.parentElement;
    table.classList.remove("sempal-stacked");
    if (!box.clientWidth || table.scrollWidth <= box.clientWidth + 1) continue;
    const names = [...table.querySelectorAll("thead th")].map((cell) => cell.textContent.trim());
    for (const row of table.querySelectorAll("tbody tr")) {
      [...row.cells].forEach((cell, place) => {
        cell.dataset.column = names[place] ?? "";
        cell.classList.toggle("sempal-nothing", ["", "–"].includes(cell.textContent.trim()));
      });
    }
    table.classList.add("sempal-stacked");
  }
};
let width = 0;  // a phone that is scrolled changes its height alone
const stackAnew = () => {
  if (width !== window.innerWidth) { width = window.innerWidth; stack(); }
};
window.addEventListener("load", stack);
window.addEventListener("resize", stackAnew);
