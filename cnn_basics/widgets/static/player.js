// Play, Step and Reset, for what can be walked through step by step.

/**
 * `next(starting)` moves on by one step and says whether it was the last; it is called with true
 * when playing begins. `titles` explain the buttons `play`, `step` and `reset`; `pace` is the
 * time for a step in milliseconds. Under `prefers-reduced-motion` nothing plays.
 */
function playBar(life, { next, reset, onPlaying, titles, pace }) {
  let timer = null;
  const play = button(life, { label: "Play", onClick: () => (timer ? stop() : start()) });
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.setText("Play");
    onPlaying(false);
  };
  const tick = () => next() && stop();
  const start = () => {
    timer = setInterval(tick, pace);
    play.setText("Pause");
    onPlaying(true);
    next(true);
  };
  const step = button(life, { label: "Step", title: titles.step, onClick: () => (stop(), next()) });
  const again = button(life, { label: "Reset", title: titles.reset, onClick: () => (stop(), reset()) });
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const follow = () => {
    if (calm.matches && timer) stop();
    play.node.disabled = calm.matches;
    play.node.title = calm.matches ? "Your system asks for less motion: use Step" : titles.play;
  };
  life.listen(calm, "change", follow);
  follow();
  life.atEnd(() => clearInterval(timer));
  return { node: element("div", { class: "cb-buttons" }, play, step, again), stop };
}
