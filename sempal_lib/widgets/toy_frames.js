// Frames behind a slider, each with a line of text: how samples change while a network learns.
(() => {
  const toys = window.sempalToys;
  const { element } = toys;

  function build(place, { frames, labels, ratio, name, what, given }) {
    const shown = (image, shape) => element("div", { class: "frame", role: "img",
      style: `background-image:url(${image});aspect-ratio:${shape};image-rendering:pixelated;max-width:32rem` });
    const picture = shown(frames, ratio);
    const told = element("p", { class: "told", "aria-live": "polite" });
    const range = element("input", { type: "range", min: 0, max: labels.length - 1, step: 1, "aria-label": name });
    range.value = labels.length - 1;
    const show = () => {
      const k = Number(range.value);
      picture.style.backgroundPositionY = `${(100 * k) / (labels.length - 1)}%`;
      picture.setAttribute("aria-label", `${what}, ${labels[k]}`);
      range.setAttribute("aria-valuetext", labels[k]);
      told.textContent = labels[k];
    };
    range.oninput = show;
    place.append(element("div", { style: "max-width:32rem" }, range), told);
    if (given) {  // what the network is told, which stays as it is
      const above = shown(given.image, given.ratio);
      above.setAttribute("aria-label", given.what);
      above.style.marginBottom = "4px";
      place.append(above);
    }
    place.append(picture);
    show();
  }

  toys.frames = {};
  toys.mount("frames", build);
})();
