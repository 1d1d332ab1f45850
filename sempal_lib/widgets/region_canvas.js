// The canvas of the region editor: shows a layout and the region's outline, and sends what a pointer or the keys mark.
// Model: rows, columns, shown_width, pixels (RGB), region (0 or 1 a pixel), tool, brush (its width in layout pixels).

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const bytes = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const between = (value, count) => Math.min(count - 1, Math.max(0, Math.floor(value)));

// Marks all pixels of the rectangle with the corners a and b, or the stroke of a round brush from a to b.
function markRectangle(mask, columns, a, b) {
  const [left, right] = [Math.min(a[0], b[0]), Math.max(a[0], b[0])];
  for (let y = Math.min(a[1], b[1]); y <= Math.max(a[1], b[1]); y++) {
    mask.fill(1, y * columns + left, y * columns + right + 1);
  }
}

function markStroke(mask, columns, a, b, width) {
  const rows = mask.length / columns;
  const steps = Math.max(1, Math.abs(b[0] - a[0]), Math.abs(b[1] - a[1]));
  const reach = width / 2;
  const even = width % 2 ? 0 : 0.5; // a brush of even width has its middle between pixels
  for (let step = 0; step <= steps; step++) {
    const x = Math.round(a[0] + ((b[0] - a[0]) * step) / steps) - even;
    const y = Math.round(a[1] + ((b[1] - a[1]) * step) / steps) - even;
    for (let row = Math.max(0, Math.ceil(y - reach)); row <= Math.min(rows - 1, y + reach); row++) {
      for (let column = Math.max(0, Math.ceil(x - reach)); column <= Math.min(columns - 1, x + reach); column++) {
        if ((row - y) ** 2 + (column - x) ** 2 <= reach ** 2) mask[row * columns + column] = 1;
      }
    }
  }
}

// The borders between marked and other pixels, as one path.
function outline(mask, rows, columns, scale) {
  const path = new Path2D();
  const marked = (x, y) => x >= 0 && y >= 0 && x < columns && y < rows && mask[y * columns + x] === 1;
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      if (!marked(x, y)) continue;
      const [left, top, right, bottom] = [x, y, x + 1, y + 1].map((place) => place * scale);
      const sides = [
        [marked(x, y - 1), left, top, right, top],
        [marked(x, y + 1), left, bottom, right, bottom],
        [marked(x - 1, y), left, top, left, bottom],
        [marked(x + 1, y), right, top, right, bottom],
      ];
      for (const [inside, x1, y1, x2, y2] of sides) {
        if (inside) continue;
        path.moveTo(x1, y1);
        path.lineTo(x2, y2);
      }
    }
  }
  return path;
}

function render({ model, el }) {
  const [rows, columns] = [model.get("rows"), model.get("columns")];
  const scale = Math.max(1, Math.floor(model.get("shown_width") / columns));
  const canvas = document.createElement("canvas");
  const small = document.createElement("canvas");
  [small.width, small.height] = [columns, rows];
  [canvas.width, canvas.height] = [columns * scale, rows * scale];
  canvas.className = "sempal-region-canvas";
  canvas.style.maxWidth = `${columns * scale}px`;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute(
    "aria-label",
    `Layout of ${rows} by ${columns} pixels. Drag to mark a region. By keys: arrows move, with shift by 8; ` +
      "Enter begins and ends, Escape gives up.",
  );
  canvas.dataset.lmSuppressShortcuts = "true"; // JupyterLab has other plans with arrows and Enter
  el.appendChild(canvas);

  let stroke = null; // what is being marked: { from, last, mask }
  let sent = null; // what was marked last, until the kernel says what became of it
  let cursor = [Math.floor(columns / 2), Math.floor(rows / 2)];
  let byKeys = false; // whether the cursor is shown

  const line = (context, path) => {
    for (const [style, width] of [["#000", 4], ["#fff", 2]]) {
      [context.strokeStyle, context.lineWidth] = [style, width];
      context.stroke(path);
    }
  };

  function draw() {
    const [rgb, data] = [bytes(model.get("pixels")), new ImageData(columns, rows)];
    for (let place = 0; place < rows * columns; place++) {
      data.data.set([rgb[3 * place], rgb[3 * place + 1], rgb[3 * place + 2], 255], 4 * place);
    }
    small.getContext("2d").putImageData(data, 0, 0);
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
    line(context, outline(stroke?.mask ?? sent ?? bytes(model.get("region")), rows, columns, scale));
    if (byKeys) {
      const frame = new Path2D();
      frame.rect(cursor[0] * scale, cursor[1] * scale, scale, scale);
      line(context, frame);
    }
  }

  function begin(at) {
    stroke = { from: at, last: at, mask: new Uint8Array(rows * columns) };
    if (model.get("tool") === "brush" && model.get("grows")) stroke.mask.set(sent ?? bytes(model.get("region")));
    move(at);
  }

  function move(at) {
    if (!stroke) return;
    if (model.get("tool") === "brush") markStroke(stroke.mask, columns, stroke.last, at, model.get("brush"));
    else markRectangle(stroke.mask.fill(0), columns, stroke.from, at);
    stroke.last = at;
    draw();
  }

  function end() {
    if (!stroke) return;
    [sent, stroke] = [stroke.mask, null];
    model.send({ kind: "region" }, undefined, [sent.buffer]);
  }

  function cancel() {
    stroke = null;
    draw();
  }

  const under = (event) => {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return [between(x * columns, columns), between(y * rows, rows)];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId); // a drag goes on outside the canvas, and is cut at its edge
    [byKeys, cursor] = [false, under(event)];
    begin(cursor);
  });
  canvas.addEventListener("pointermove", (event) => event.isPrimary && !byKeys && move(under(event)));
  canvas.addEventListener("pointerup", (event) => event.isPrimary && !byKeys && end());
  canvas.addEventListener("pointercancel", cancel);
  canvas.addEventListener("keydown", (event) => {
    const way = KEYS[event.key];
    if (way) {
      const far = event.shiftKey ? 8 : 1;
      cursor = [between(cursor[0] + far * way[0], columns), between(cursor[1] + far * way[1], rows)];
      byKeys = true;
      if (stroke) move(cursor);
      else draw();
    } else if (event.key === "Enter" || event.key === " ") {
      byKeys = true;
      if (stroke) end();
      else begin(cursor);
    } else if (event.key === "Escape" && stroke) cancel();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  canvas.addEventListener("blur", () => {
    byKeys = false;
    cancel();
  });

  const answered = () => {
    sent = null;
    draw();
  };
  const heard = ["pixels", "region", "answers"];
  for (const name of heard) model.on(`change:${name}`, answered);
  draw();
  return () => heard.forEach((name) => model.off(`change:${name}`, answered));
}

export default { render };
