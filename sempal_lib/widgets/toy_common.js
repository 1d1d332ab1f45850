// What the toys share. A toy is a <div class="sempal-toy" data-toy="kind" data-facts="JSON"> and a script that fills it.
window.sempalToys = window.sempalToys || {};
(() => {
  const toys = window.sempalToys;
  if (toys.mount) return;

  // An element with attributes, properties (names that begin with "on", textContent) and children.
  toys.element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on") || name === "textContent") made[name] = value;
      else if (value !== null) made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  };

  // A named slider that reads its value: calls back with the number.
  toys.slider = (name, { min, max, step, value, show, chip }, changed) => {
    const read = toys.element("output", { textContent: show(value) });
    const range = toys.element("input", { type: "range", min, max, step, "aria-label": name });
    range.value = value;
    range.setAttribute("aria-valuetext", show(value));
    const set = (number) => {
      range.value = number;
      read.textContent = show(number);
      range.setAttribute("aria-valuetext", show(number));
    };
    range.oninput = () => { set(Number(range.value)); changed(Number(range.value)); };
    const title = toys.element("span", {});
    if (chip) title.append(toys.element("span", { class: "chip", style: `background:${chip}` }));
    title.append(name);
    return { label: toys.element("label", {}, title, range, read), set };
  };

  // A class's colour, mixed with white: 0 is white, 1 the colour.
  toys.tint = (color, part) => {
    const share = Math.min(1, Math.max(0, part));
    return `rgb(${color.map((value) => Math.round(255 + (value - 255) * share)).join(" ")})`;
  };

  // Draw a map of rows × columns, row by row, on a canvas: paint(place) is the colour of each.
  toys.draw = (canvas, rows, columns, paint, marked = null) => {
    const context = canvas.getContext("2d");
    const scale = canvas.width / columns;
    for (let place = 0; place < rows * columns; place++) {
      context.fillStyle = paint(place);
      context.fillRect((place % columns) * scale, Math.floor(place / columns) * scale, scale, scale);
    }
    if (marked === null) return;
    context.strokeStyle = "#000";
    context.lineWidth = 2;
    context.strokeRect((marked % columns) * scale + 1, Math.floor(marked / columns) * scale + 1, scale - 2, scale - 2);
  };

  // Of one class that moves to `value`, the others share the rest in their ratio.
  toys.rescale = (shares, index, value) => {
    const rest = shares.reduce((sum, share, c) => sum + (c === index ? 0 : share), 0);
    const others = shares.length - 1;
    return shares.map((share, c) => {
      if (c === index) return value;
      return rest > 0 ? ((1 - value) * share) / rest : (1 - value) / others;
    });
  };

  toys.table = (header, rows) => toys.element("table", {},
    toys.element("thead", {}, toys.element("tr", {}, ...header.map((text) => toys.element("th", { textContent: text })))),
    toys.element("tbody", {}, ...rows.map((row) => toys.element("tr", {},
      ...row.map((text) => toys.element("td", { textContent: text }))))));

  // Fill all toys of a kind that are not yet alive.
  toys.mount = (kind, build) => {
    for (const place of document.querySelectorAll(`.sempal-toy[data-toy="${kind}"]:not([data-alive])`)) {
      place.dataset.alive = "1";
      place.replaceChildren();
      build(place, JSON.parse(place.dataset.facts));
    }
  };
})();
