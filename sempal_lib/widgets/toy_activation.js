// The activation on 8×8 pixels: scores and palette are moved by hand, and ρ, ω, m and the layout follow.
(() => {
  const toys = window.sempalToys;
  const { element } = toys;
  const [LOWEST, HIGHEST] = [-5, 5];
  const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  const logSum = (values) => {
    const top = Math.max(...values);
    if (top === -Infinity) return -Infinity;
    return top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
  };

  // Scores f [C][P] and palette t [C] -> ρ, ω and m, [C][P] each. Equations 1 and 2 of Semantic Palette, in logarithms;
  // more iterations are Sinkhorn's: b is what a pixel gives, so that it gets one unit.
  function activate(f, t, iterations = 1) {
    const pixels = f[0].map((_, p) => p);
    let b = pixels.map(() => 0);
    let logRho, logOmega, sums;
    for (let i = 0; i < iterations; i++) {
      if (i > 0) b = b.map((value, p) => value - sums[p]);
      logRho = f.map((row) => {
        const moved = row.map((value, p) => value + b[p]);
        const total = logSum(moved);
        return moved.map((value) => value - total);
      });
      logOmega = logRho.map((row, c) => row.map((value) => Math.log(t[c]) + value));
      sums = pixels.map((p) => logSum(logOmega.map((row) => row[p])));
    }
    const exp = (rows) => rows.map((row) => row.map(Math.exp));
    return { rho: exp(logRho), omega: exp(logOmega), m: exp(logOmega.map((row) => row.map((v, p) => v - sums[p]))) };
  }

  const layoutOf = (m) => m[0].map((_, p) => m.reduce((best, row, c) => (row[p] > m[best][p] ? c : best), 0));

  // Entropy loss, spread loss and palette KL, as chapter 5 defines them.
  function measures(t, omega, m) {
    const pixels = m[0].length;
    const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const each = m[0].map((_, p) => p);
    const entropy = mean(each.map((p) => -m.reduce((s, row) => s + (row[p] > 0 ? row[p] * Math.log(row[p]) : 0), 0)));
    const spread = mean(each.map((p) => (1 - pixels * omega.reduce((sum, row) => sum + row[p], 0)) ** 2));
    const layout = layoutOf(m);
    const hard = m.map((_, c) => layout.filter((one) => one === c).length / pixels);
    const q = hard.map((share) => (share + 1e-6) / (1 + hard.length * 1e-6));
    const kl = t.reduce((sum, share, c) => sum + (share > 0 ? share * Math.log(share / q[c]) : 0), 0);
    return { entropy, spread, kl, hard, soft: m.map(mean), layout };
  }

  function build(place, { names, colors, scores, palette, size }) {
    const start = () => ({ f: scores.map((row) => [...row]), t: [...palette], iterations: 1 });
    let state = start();
    let [step, cursor, active] = [1, 0, 0];
    const canvas = (label, more = {}) => element("canvas", {
      width: 160, height: 160, role: "img", "aria-label": label, ...more });
    const maps = names.map((name, c) => ({
      f: canvas(`scores of ${name}: drag to change, or move by arrow keys and press + or −`, { tabindex: 0 }),
      rho: canvas(`ρ of ${name}`), omega: canvas(`ω of ${name}`), m: canvas(`m of ${name}`) }));
    const result = canvas("the layout: the class with the largest m at each pixel");
    const told = element("p", { class: "told", "aria-live": "polite" });
    const numbers = element("div");

    const show = () => {
      const made = activate(state.f, state.t, state.iterations);
      const top = (rows) => Math.max(...rows.flat()) || 1;
      const tops = { rho: top(made.rho), omega: top(made.omega), m: 1 };
      maps.forEach((row, c) => {
        const marked = c === active && document.activeElement === row.f ? cursor : null;
        const of = (p) => (state.f[c][p] - LOWEST) / (HIGHEST - LOWEST);
        toys.draw(row.f, size, size, (p) => toys.tint(colors[c], of(p)), marked);
        for (const kind of ["rho", "omega", "m"]) {
          toys.draw(row[kind], size, size, (p) => toys.tint(colors[c], made[kind][c][p] / tops[kind]));
        }
      });
      const found = measures(state.t, made.omega, made.m);
      toys.draw(result, size, size, (p) => toys.tint(colors[found.layout[p]], 1));
      const rows = names.map((name, c) => [name, ...[state.t[c], found.soft[c], found.hard[c]].map((v) => v.toFixed(3))]);
      numbers.replaceChildren(
        toys.table(["class", "asked", "soft m", "hard"], rows),
        element("p", { textContent: `palette KL ${found.kl.toFixed(3)}, entropy ${found.entropy.toFixed(3)}, `
          + `spread ${found.spread.toFixed(3)}` }));
      const at = (rows) => rows[active][cursor].toPrecision(2);
      const [row, column] = [Math.floor(cursor / size) + 1, (cursor % size) + 1];
      told.textContent = `${names[active]}, row ${row}, column ${column}: f ${state.f[active][cursor].toFixed(1)}, `
        + `ρ ${at(made.rho)}, ω ${at(made.omega)}, m ${at(made.m)}`;
    };
    const change = (c, p, by) => {
      [active, cursor] = [c, p];
      state.f[c][p] = Math.min(HIGHEST, Math.max(LOWEST, state.f[c][p] + by));
    };

    maps.forEach(({ f }, c) => {
      let last = null;
      const reach = (event) => {
        const box = f.getBoundingClientRect();
        const at = (part) => Math.min(size - 1, Math.max(0, Math.floor(part * size)));
        const p = at((event.clientY - box.top) / box.height) * size + at((event.clientX - box.left) / box.width);
        if (p === last) return;
        last = p;
        change(c, p, event.shiftKey ? -2 : 2 * step);
        show();
      };
      f.onpointerdown = (event) => { f.setPointerCapture(event.pointerId); last = null; reach(event); };
      f.onpointermove = (event) => { if (event.buttons) reach(event); };
      f.onfocus = () => { active = c; show(); };
      f.onblur = show;
      f.onkeydown = (event) => {
        const by = { "+": 1, "=": 1, "-": -1, "−": -1 }[event.key];
        if (by) change(c, cursor, by);
        else if (KEYS[event.key]) {
          const [x, y] = KEYS[event.key];
          const [column, row] = [(cursor % size) + x, Math.floor(cursor / size) + y];
          if (Math.min(row, column) >= 0 && Math.max(row, column) < size) cursor = row * size + column;
        } else return;
        event.preventDefault();
        show();
      };
    });

    const css = colors.map((color) => toys.tint(color, 1));
    const sliders = names.map((name, c) => toys.slider(name,
      { min: 0, max: 1, step: 0.01, value: state.t[c], show: (value) => Number(value).toFixed(2), chip: css[c] },
      (value) => { state.t = toys.rescale(state.t, c, value); state.t.forEach((v, k) => sliders[k].set(v)); show(); }));
    const rounds = toys.slider("iterations", { min: 1, max: 20, step: 1, value: 1, show: String },
      (value) => { state.iterations = value; show(); });
    const press = (text, done) => element("button", { type: "button", textContent: text, onclick: done });
    const lower = press("drag lowers", () => {
      step = -step;
      lower.setAttribute("aria-pressed", String(step < 0));
    });
    lower.setAttribute("aria-pressed", "false");
    const set = (next) => {
      state = next;
      state.t.forEach((value, c) => sliders[c].set(value));
      rounds.set(state.iterations);
      show();
    };
    const heads = ["f", "ρ", "ω", "m"].map((name) => element("div", { textContent: name }));
    const rows = maps.flatMap((row, c) => [
      element("div", { class: "wide", textContent: names[c] }), row.f, row.rho, row.omega, row.m]);
    place.append(
      element("p", { textContent: "Drag over a map of f to raise the scores there. Then move the palette." }),
      element("div", {}, ...sliders.map((slider) => slider.label), rounds.label),
      element("div", { class: "controls" }, lower,
        press("no scores", () => set({ ...state, f: state.f.map((row) => row.map(() => 0)) })),
        press("start again", () => set(start()))),
      element("div", { class: "maps" }, ...heads, ...rows),
      told,
      element("div", { class: "side" }, result, numbers));
    show();
  }

  toys.activation = { activate, measures };
  toys.mount("activation", build);
})();
