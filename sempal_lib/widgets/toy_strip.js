// Frames of a model behind a slider: a layout, its picture, and what was asked for beside what was made.
(() => {
  const toys = window.sempalToys;
  const { element } = toys;

  function build(place, { names, colors, layouts, pictures, asked, made, ratio, label, ends }) {
    const frames = asked.length;
    const frame = (file, sharp, text) => element("div", { class: "frame", role: "img", "aria-label": text,
      style: `background-image:url(${file});aspect-ratio:${ratio};${sharp ? "image-rendering:pixelated" : ""}` });
    const shown = [frame(layouts, true, "the generated layout"), frame(pictures, false, "the picture painted on it")];
    const top = Math.max(...asked.flat(), ...made.flat());
    const bars = names.map((_, c) => {
      const [solid, dashed] = [element("i", { style: `background:rgb(${colors[c].join(" ")})` }), element("b")];
      return { solid, dashed, box: element("div", { class: "bar" }, solid, dashed), numbers: element("output") };
    });
    let timer = null;
    const show = (k) => {
      for (const one of shown) one.style.backgroundPositionY = `${(100 * k) / (frames - 1)}%`;
      bars.forEach(({ solid, dashed, numbers }, c) => {
        solid.style.width = `${(100 * made[k][c]) / top}%`;
        dashed.style.width = `${(100 * asked[k][c]) / top}%`;
        numbers.textContent = `${(100 * asked[k][c]).toFixed(0)} / ${(100 * made[k][c]).toFixed(0)} %`;
      });
    };
    const range = element("input", { type: "range", min: 0, max: frames - 1, step: 1, "aria-label": label });
    range.value = 0;
    const stop = () => { clearInterval(timer); timer = null; play.textContent = "play"; };
    const go = () => {
      if (Number(range.value) === frames - 1) range.value = 0;
      play.textContent = "stop";
      timer = setInterval(() => {
        range.value = Number(range.value) + 1;
        show(Number(range.value));
        if (Number(range.value) === frames - 1) stop();
      }, 160);
    };
    const play = element("button", { type: "button", textContent: "play", onclick: () => (timer ? stop() : go()) });
    range.oninput = () => { stop(); show(Number(range.value)); };
    const columns = "grid-template-columns:6.5em 1fr 6em";
    const lines = names.map((name, c) => element("label", { style: columns }, element("span", { textContent: name }),
      bars[c].box, bars[c].numbers));
    place.append(
      element("div", { class: "two" }, ...shown),
      element("div", { class: "controls", style: "flex-wrap:nowrap" }, play, range),
      element("div", { class: "controls", style: "justify-content:space-between;margin-top:0" },
        ...ends.map((text) => element("span", { textContent: text }))),
      ...lines);
    show(0);
    if (!window.matchMedia("(prefers-reduced-motion: reduce)").matches) go();
  }

  toys.strip = {};
  toys.mount("strip", build);
})();
