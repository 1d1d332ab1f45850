// Three classes: a palette is a point of a triangle. Outside of it, the two ways back of chapter 2.
(() => {
  const toys = window.sempalToys;
  const { element } = toys;
  const CORNERS = [[50, 12], [10, 81.3], [90, 81.3]]; // of the triangle, in the picture's units
  const [WIDTH, HEIGHT] = [100, 94];

  const sum = (x) => x.reduce((total, value) => total + value, 0);

  // Equation 4: cut to [0, 1], divide by the sum.
  function clipAndNormalise(x) {
    const cut = x.map((value) => Math.min(1, Math.max(0, value)));
    return sum(cut) > 0 ? cut.map((value) => value / sum(cut)) : x.map(() => 1 / x.length);
  }

  // Equation 5: subtract θ and cut at 0. Of the k largest values θ is (their sum − 1) / k, for the greatest k that works.
  function project(x) {
    const ordered = [...x].sort((a, b) => b - a);
    let [total, theta] = [0, 0];
    ordered.forEach((value, k) => {
      total += value;
      const wished = (total - 1) / (k + 1);
      if (value > wished) theta = wished;
    });
    return x.map((value) => Math.max(0, value - theta));
  }

  const placeOf = (t) => [0, 1].map((axis) => sum(t.map((share, c) => share * CORNERS[c][axis])));

  // The shares of a place in the picture's units: they sum to 1, and one is negative outside of the triangle.
  function sharesAt([px, py]) {
    const [[ax, ay], [bx, by], [cx, cy]] = CORNERS;
    const whole = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy);
    const first = ((by - cy) * (px - cx) + (cx - bx) * (py - cy)) / whole;
    const second = ((cy - ay) * (px - cx) + (ax - cx) * (py - cy)) / whole;
    return [first, second, 1 - first - second];
  }

  const svg = (tag, attributes, text = "") => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.textContent = text;
    return made;
  };

  function build(place, { names, colors, palette }) {
    let x = [...palette];
    const css = colors.map((color) => toys.tint(color, 1));
    const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", tabindex: 0, style: "touch-action:none",
      "aria-label": "A triangle with one class at each corner. Arrow keys move the point, also out of the triangle." });
    picture.append(svg("polygon", { points: CORNERS.join(" "), fill: "#eef3f8", stroke: "#333", "stroke-width": 0.6 }));
    CORNERS.forEach(([left, top], c) => {
      picture.append(svg("circle", { cx: left, cy: top, r: 2, fill: css[c], stroke: "#333", "stroke-width": 0.4 }));
      const y = c === 0 ? top - 4 : top + 8;
      picture.append(svg("text", { x: left, y, "text-anchor": "middle", "font-size": 5, fill: "#000" }, names[c]));
    });
    const mark = (color, shape) => {
      const way = svg("line", { stroke: color, "stroke-width": 0.6, "stroke-dasharray": "1.5 1" });
      const end = shape === "square" ? svg("rect", { width: 4, height: 4 }) : svg("circle", { r: 2.2 });
      end.setAttribute("fill", color);
      picture.append(way, end);
      return { way, end };
    };
    const [clipped, nearest] = [mark("#b34700", "square"), mark("#006b4f", "circle")];
    const point = svg("circle", { r: 2.8, fill: "#0072b2", stroke: "#fff", "stroke-width": 0.6 });
    picture.append(point);
    const pile = element("canvas", { width: 160, height: 80, role: "img", "aria-label": "the palette as sorted pixels" });
    const numbers = element("div");
    const told = element("p", { class: "told", "aria-live": "polite" });

    const show = () => {
      const [cut, near, at] = [clipAndNormalise(x), project(x), placeOf(x)];
      point.setAttribute("cx", at[0]);
      point.setAttribute("cy", at[1]);
      for (const [{ way, end }, t] of [[clipped, cut], [nearest, near]]) {
        const [left, top] = placeOf(t);
        const spot = { x1: at[0], y1: at[1], x2: left, y2: top };
        for (const [name, value] of Object.entries(spot)) way.setAttribute(name, value);
        const corner = end.tagName === "rect" ? { x: left - 2, y: top - 2 } : { cx: left, cy: top };
        for (const [name, value] of Object.entries(corner)) end.setAttribute(name, value);
      }
      const outside = Math.min(...x) < -1e-9;
      for (const { way, end } of [clipped, nearest]) way.style.display = end.style.display = outside ? "" : "none";
      const edges = near.map((_, c) => sum(near.slice(0, c + 1)));
      const classAt = (row) => Math.max(0, edges.findIndex((edge) => (row + 0.5) / 20 <= edge + 1e-9));
      toys.draw(pile, 20, 40, (p) => css[classAt(Math.floor(p / 40))]);
      const rows = names.map((name, c) => [name, ...[x[c], cut[c], near[c]].map((value) => value.toFixed(3))]);
      numbers.replaceChildren(toys.table(["class", "point", "clipped ■", "nearest ●"], rows));
      told.textContent = outside ? "Outside: a share is negative, so this is no palette. Two ways back are drawn."
        : "Inside: all shares are 0 or more and sum to 1, so this is a palette.";
    };
    const move = (at) => {
      x = sharesAt([Math.min(WIDTH - 3, Math.max(3, at[0])), Math.min(HEIGHT - 3, Math.max(3, at[1]))]);
      show();
    };
    const reach = (event) => {
      const box = picture.getBoundingClientRect();
      move([((event.clientX - box.left) / box.width) * WIDTH, ((event.clientY - box.top) / box.height) * HEIGHT]);
    };
    picture.onpointerdown = (event) => { picture.setPointerCapture(event.pointerId); reach(event); };
    picture.onpointermove = (event) => { if (event.buttons) reach(event); };
    picture.onkeydown = (event) => {
      const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!by) return;
      event.preventDefault();
      const at = placeOf(x);
      move([at[0] + by[0], at[1] + by[1]]);
    };
    const again = element("button", { type: "button", textContent: "start again",
      onclick: () => { x = [...palette]; show(); } });
    place.append(
      element("p", { textContent: "Drag the blue point, also out of the triangle." }),
      element("div", { class: "side" }, picture, element("div", {}, numbers, told, pile,
        element("div", { class: "controls" }, again))));
    show();
  }

  toys.simplex = { clipAndNormalise, project, sharesAt, placeOf };
  toys.mount("simplex", build);
})();
