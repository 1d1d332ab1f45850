// The widgets ask for formulas by the interface of MathJax 2; these pages have MathJax 3.
addEventListener("load", () => {
  if (window.MathJax && !MathJax.Hub) {
    MathJax.Hub = { Queue: ([, , element]) => MathJax.typesetPromise && MathJax.typesetPromise([element]) };
  }
});
