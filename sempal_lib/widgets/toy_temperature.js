// Gumbel-softmax: what the temperature does to the soft choice, and what it leaves as it is.
(() => {
  const toys = window.sempalToys;
  const { element } = toys;
  const SIZE = 16;

  // Numbers in (0, 1), the same for the same seed (mulberry32).
  function uniform(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 4294967296;
    };
  }

  const gumbel = (next) => -Math.log(-Math.log(next()));

  // Equation 1 of chapter 4: softmax of (log P + G) / τ. P, G: [K].
  function choose(P, G, tau) {
    const raised = P.map((p, k) => (Math.log(Math.max(p, 1e-5)) + G[k]) / tau);
    const top = Math.max(...raised);
    const shares = raised.map((value) => Math.exp(value - top));
    const total = shares.reduce((sum, value) => sum + value, 0);
    return shares.map((value) => value / total);
  }

  const largest = (S) => S.indexOf(Math.max(...S));

  function build(place, { names, colors, probabilities }) {
    let [P, tau, seed] = [[...probabilities], 1, 1];
    const draw = () => {
      const next = uniform(seed);
      return Array.from({ length: SIZE * SIZE }, () => P.map(() => gumbel(next)));
    };
    let noise = draw();
    const canvas = (label) => element("canvas", { width: 256, height: 256, role: "img", "aria-label": label });
    const [soft, hard] = [canvas("soft choices S, one a pixel"), canvas("hard choices, the largest S of each pixel")];
    const numbers = element("div");
    const told = element("p", { class: "told", "aria-live": "polite" });
    const mixed = (S) => {
      const mix = [0, 1, 2].map((channel) => S.reduce((sum, share, k) => sum + share * colors[k][channel], 0));
      return `rgb(${mix.map(Math.round).join(" ")})`;
    };
    const show = () => {
      const S = noise.map((G) => choose(P, G, tau));
      toys.draw(soft, SIZE, SIZE, (p) => mixed(S[p]));
      toys.draw(hard, SIZE, SIZE, (p) => toys.tint(colors[largest(S[p])], 1));
      const mean = (of) => S.reduce((sum, one) => sum + of(one), 0) / S.length;
      const rows = names.map((name, k) => [name, P[k].toFixed(2), mean((one) => one[k]).toFixed(3),
        mean((one) => (largest(one) === k ? 1 : 0)).toFixed(3)]);
      numbers.replaceChildren(toys.table(["class", "P", "mean S", "chosen"], rows));
      const slopes = S.map((one) => Math.max(...one.map((share) => (share * (1 - share)) / tau)));
      const felt = slopes.filter((slope) => slope > 0.05).length / slopes.length;
      told.textContent = `A gradient of more than 0.05 at ${(100 * felt).toFixed(0)} % of the pixels, `
        + `${Math.max(...slopes).toFixed(2)} at most.`;
    };
    const exponent = (value) => 10 ** value; // the slider moves in powers of ten
    const heat = toys.slider("temperature τ",
      { min: -1.3, max: 1, step: 0.05, value: 0, show: (value) => exponent(value).toFixed(2) },
      (value) => { tau = exponent(value); show(); });
    const shares = names.map((name, k) => toys.slider(`P of ${name}`,
      { min: 0, max: 1, step: 0.01, value: P[k], show: (value) => Number(value).toFixed(2), chip: toys.tint(colors[k], 1) },
      (value) => { P = toys.rescale(P, k, value); P.forEach((p, j) => shares[j].set(p)); show(); }));
    const again = element("button", { type: "button", textContent: "draw new noise",
      onclick: () => { seed += 1; noise = draw(); show(); } });
    place.append(
      element("p", { textContent: "Each pixel draws its own G. Move τ: the left picture changes, the right one does not." }),
      heat.label, ...shares.map((slider) => slider.label),
      element("div", { class: "controls" }, again),
      element("div", { class: "two" }, element("div", { textContent: "soft, S" }), element("div", { textContent: "hard" }),
        soft, hard),
      told, numbers);
    show();
  }

  toys.temperature = { choose, gumbel, uniform };
  toys.mount("temperature", build);
})();
