// The look and the script of the page in diagram_player.cpp, with marks where the parts of a graph go. No network, no
// library; without its script the page is the whole picture with the words of all steps below.
#include "engine/steps/forms.h"

namespace chainrule {

std::string_view player_page() {
  return R"page(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{title}}</title>
<style>
{{colors}}
  * { box-sizing: border-box; }
  body { margin: 0; background: var(--background); color: var(--text);
         font: 16px/1.45 Helvetica, Arial, "Liberation Sans", "Noto Sans", sans-serif; }
  h1 { font-size: 1.3rem; margin: 0; overflow-wrap: anywhere; }
  .head { display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; align-items: baseline; justify-content: space-between;
          padding: .7rem 1.2rem .3rem; }
  .legend { margin: 0; color: var(--muted); font-size: .85rem; }
  .legend b:first-of-type { color: var(--value); } .legend b:last-of-type { color: var(--gradient); }
  figure { margin: 0; padding: 0 1rem; overflow: auto; }
  figure svg { display: block; margin: auto; max-width: 100%; height: auto; }
  .panel { display: none; }
  .steps { margin: 0; padding: 0 1.2rem 2rem 4rem; }
  .steps li { padding: .35rem .6rem; border-left: 4px solid transparent; break-inside: avoid; }
  .steps li::marker { color: var(--muted); }
  .go { color: inherit; text-decoration: none; }
  .phase { display: inline-block; min-width: 5.2em; color: var(--muted); }
  .about { color: var(--muted); font-size: .9rem; margin-left: .4em; }
  .rows { border-collapse: collapse; font-variant-numeric: tabular-nums; }
  .rows th { font-weight: bold; text-align: left; }
  .rows th, .rows td { padding: .05rem .45rem .05rem 0; vertical-align: baseline; }
  .rows .note { color: var(--muted); padding-left: .8rem; font-size: .9em; }
  .rows .value { font-weight: bold; color: var(--value); } .of-gradients .value { color: var(--gradient); }
  .of-gradients th { color: var(--gradient); }
  h2 { font-size: 1rem; margin: .8rem 1.2rem .2rem; color: var(--muted); }
  :focus-visible { outline: 3px solid var(--leaf-line); outline-offset: 2px; border-radius: 4px; }

  @media screen {
    .js .player { display: flex; flex-direction: column; height: 100vh; min-height: 30rem; }
    .js figure { flex: 1; min-height: 0; display: flex; }
    .js figure svg { flex: none; }
    .js .panel { display: block; border-top: 1px solid var(--cluster-line); background: var(--cluster-fill);
                 padding: .5rem 1.2rem .7rem; }
    .js.tall .player { display: grid; grid-template: auto 1fr / minmax(0, 1.1fr) minmax(24rem, 1fr); }
    .js.tall .head { grid-column: 1 / 3; }
    .js.tall .panel { border-top: 0; border-left: 1px solid var(--cluster-line); display: flex; flex-direction: column;
                      justify-content: center; }
    .js.tall .caption { padding-bottom: .4rem; min-height: 14rem; max-height: none; flex: none; }
    .js .go:hover { text-decoration: underline; }
    .js .steps li.now { border-left-color: var(--text); background: var(--cluster-fill); }
  }
  .where { display: flex; gap: .2rem 1rem; flex-wrap: wrap; align-items: baseline; }
  .where .count { color: var(--muted); font-variant-numeric: tabular-nums; }
  .caption { padding-bottom: .4rem; min-height: calc(1.6rem + {{rows}} * 1.9rem); max-height: 40vh; overflow: auto; }
  .caption .rows { font-size: 1.25rem; margin-top: .1rem; }
  .buttons { display: flex; gap: .4rem; align-items: center; }
  button { font: inherit; color: var(--text); background: var(--background); border: 1px solid var(--line);
           border-radius: 7px; min-width: 2.7rem; height: 2.4rem; padding: 0 .6rem; cursor: pointer;
           display: inline-flex; align-items: center; justify-content: center; gap: .4rem; }
  button:hover:not(:disabled) { border-color: var(--text); }
  button:disabled { opacity: .45; cursor: default; }
  button svg { width: 1rem; height: 1rem; fill: currentColor; }
  input[type=range] { flex: 1; min-width: 6rem; height: 2.4rem; accent-color: var(--leaf-line); }
  .keys { margin: .3rem 0 0; color: var(--muted); font-size: .8rem; }

  /* The picture: what is not known yet is blank, what is not reached is pale, what the step is about is thick. */
  @media screen {
    .todo { opacity: .38; }
    .no-value a, .no-gradient a { pointer-events: none; }
    .now.node a > path, .now.node a > ellipse, .now.node a > polygon { stroke-width: 4px; }
    .forward .now.node a > path, .forward .now.node a > ellipse { stroke: var(--value); }
    .backward .now.node a > path, .backward .now.node a > ellipse { stroke: var(--gradient); }
    .now.edge path { stroke-width: 3px; stroke-dasharray: 9 5; animation: flow .8s linear infinite; }
    .forward .now.edge path, .forward .now.edge polygon { stroke: var(--value); }
    .forward .now.edge polygon { fill: var(--value); }
    .backward .now.edge path { stroke: var(--gradient); animation-direction: reverse; }
    .backward .now.edge polygon { display: none; }
    .backward .now.edge.first path { marker-start: url(#points-back); }
    .forward .now.label polygon[fill="#8a93a3"] { stroke: var(--value); stroke-width: 3px; }
    .backward .now.label polygon[fill="#8a93a3"] { stroke: var(--gradient); stroke-width: 3px; }
    .source.edge path { stroke: var(--gradient); stroke-width: 2px; }
    .source.edge polygon { display: none; } .source.edge.first path { marker-start: url(#points-back); }
    .source.edge polygon { display: none; } .source.edge.first path { marker-start: url(#points-back); }
    .source.label polygon[fill="#8a93a3"] { stroke: var(--gradient); stroke-width: 2px; }
    .forward .fresh text[fill="#1d4ea8"] { font-weight: bold; }
    .backward .fresh text[fill="#b3201c"], .backward .fresh text[fill="#c2410c"] { font-weight: bold; }
    #points-back path { fill: var(--gradient); }
  }
  @keyframes flow { from { stroke-dashoffset: 14; } to { stroke-dashoffset: 0; } }
  @media (prefers-reduced-motion: reduce) { .now.edge path { animation: none !important; } }
  @media (max-width: 40rem) {
    .rows tr { display: flex; flex-wrap: wrap; } .rows td:empty { display: none; }
    .caption .rows { font-size: 1.05rem; } .keys { display: none; } .steps { padding-left: 2.5rem; }
  }
  @page { size: landscape; }
  @media print {
    .panel { display: none !important; } figure { overflow: visible; }
    figure svg { width: auto !important; max-width: 100% !important; height: auto !important; }
  }
</style>
</head>
<body>
<main class="player">
<div class="head">
<h1>{{title}}</h1>
<p class="legend"><b>blue, above the line</b>: values, flow forward · <b>red, below it</b>: gradients, flow back: incoming · local derivative</p>
</div>
<figure tabindex="-1">
{{picture}}</figure>
<div class="panel" role="group" aria-label="Steps">
<div class="caption" aria-live="polite" aria-atomic="true"></div>
<div class="buttons">
<button type="button" id="first" aria-label="First step" title="First step (Home)"><svg viewBox="0 0 16 16" aria-hidden="true"><path d="M2 2h2v12H2zM14 2v12L5 8z"/></svg></button>
<button type="button" id="back" aria-label="Step back" title="Step back (←)"><svg viewBox="0 0 16 16" aria-hidden="true"><path d="M12 2v12L3 8z"/></svg></button>
<button type="button" id="play" aria-label="Play" title="Play or pause (space)"><svg viewBox="0 0 16 16" aria-hidden="true"><path d="M4 2v12l10-6z"/></svg></button>
<button type="button" id="next" aria-label="Next step" title="Next step (→)">Next<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M4 2v12l9-6z"/></svg></button>
<button type="button" id="last" aria-label="Last step" title="Last step (End)"><svg viewBox="0 0 16 16" aria-hidden="true"><path d="M12 2h2v12h-2zM2 2v12l9-6z"/></svg></button>
<input type="range" id="slider" min="1" max="{{count}}" value="1" step="1" aria-label="Step">
</div>
<p class="keys">← → one step · space plays · Home and End · a link to a step: add #5 to the address</p>
</div>
</main>
<section aria-label="All steps">
<h2>All steps</h2>
<ol class="steps">
{{steps}}</ol>
</section>
<script type="application/json" id="data">{{data}}</script>
<script>
(function () {
  'use strict';
  var data = JSON.parse(document.getElementById('data').textContent);
  var steps = data.steps, count = steps.length, at = 1, timer = null;
  var root = document.documentElement, svg = document.querySelector('figure svg');
  var box = document.querySelector('figure'), caption = document.querySelector('.caption');
  var slider = document.getElementById('slider'), play = document.getElementById('play');
  root.classList.add('js');

  var defs = document.createElementNS('http://www.w3.org/2000/svg', 'defs');
  defs.innerHTML = '<marker id="points-back" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="12" markerHeight="12" ' +
    'markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z"/></marker>';
  svg.insertBefore(defs, svg.firstChild);

  // A sum on its way is shorter than the whole: it stays in the middle, and numbers of a grid at the right.
  var texts = {};
  steps.forEach(function (step) {
    Object.keys(step.words).forEach(function (id) {
      if (texts[id]) return;
      var all = svg.getElementById(id).querySelectorAll('text[fill="#b3201c"], text[fill="#c2410c"]');
      texts[id] = Array.prototype.map.call(all, function (text, i) {
        var length = text.getComputedTextLength(), end = i > 0;
        text.setAttribute('x', Number(text.getAttribute('x')) + (end ? length : length / 2));
        text.setAttribute('text-anchor', end ? 'end' : 'middle');
        return { element: text, whole: text.textContent };
      });
    });
  });

  // Fits the window, neither tiny nor huge.
  var size = svg.viewBox.baseVal;
  function fit() {
    // A picture that is higher than wide leaves room beside it for the words.
    var tall = size.height > 1.1 * size.width && size.height > 560 && window.innerWidth > 800;
    root.classList.toggle('tall', tall);
    var scale = Math.min((box.clientWidth - 32) / size.width, box.clientHeight / size.height);
    scale = scale < 0.75 ? 1 : Math.min(2.2, scale);  // what does not fit moves along instead
    svg.style.maxWidth = 'none';
    svg.setAttribute('width', Math.floor(size.width * scale));
    svg.setAttribute('height', Math.floor(size.height * scale));
  }

  function mark(id, name, on) {
    var element = id && svg.getElementById(id);
    if (element) element.classList.toggle(name, Boolean(on));
  }

  function show(number, quietly) {
    at = Math.max(1, Math.min(count, number));
    var known = {}, sent = {}, arrived = {}, words = {}, seeded = false, now = steps[at - 1], id;
    var backward = now.kind === 'Backward' || now.kind === 'Finished';
    for (id in data.nodes) known[id] = data.nodes[id].given;
    for (var s = 0; s < at; s++) {
      var step = steps[s];
      if (step.kind === 'Forward') known[step.node] = true;
      if (step.kind !== 'Backward') continue;
      if (data.nodes[step.node].result) seeded = true;
      step.links.forEach(function (link) {
        sent[link] = true;
        arrived[data.links[link].from] = (arrived[data.links[link].from] || 0) + 1;
      });
      for (id in step.words) words[id] = step.words[id];
    }
    for (id in data.links) if (data.nodes[data.links[id].to].result && known[data.links[id].from]) known[data.links[id].to] = true;
    var current = {}, fresh = {};
    now.links.forEach(function (link) {
      current[link] = true;
      if (backward) { fresh[link] = true; fresh[data.links[link].from] = true; }
    });
    var source = {};
    if (now.node) {
      current[now.node] = true;
      fresh[now.node] = !backward || data.nodes[now.node].result;
      for (id in data.links) {
        if (data.links[id].from !== now.node) continue;
        if (backward) source[id] = true;
        else { fresh[id] = true; fresh[data.links[id].to] = true; }
      }
    }
    if (now.kind === 'Finished') for (id in data.nodes) fresh[id] = data.nodes[id].given;
    svg.classList.toggle('forward', !backward);
    svg.classList.toggle('backward', backward);
    for (id in data.nodes) {
      var node = data.nodes[id], has = node.result ? seeded : arrived[id] > 0;
      mark(id, 'no-value', !known[id]);
      mark(id, 'no-gradient', node.gradient && !has);
      mark(id, 'todo', !known[id]);
      mark(id, 'now', current[id]);
      mark(id, 'fresh', fresh[id]);
      (texts[id] || []).forEach(function (text, i) {
        text.element.textContent = words[id] && arrived[id] < node.parts ? words[id][i] || '' : text.whole;
      });
    }
    for (id in data.links) {
      var from = known[data.links[id].from];
      mark(id, 'label', true);
      mark(id + 'a', 'first', true);
      mark(id, 'no-value', !from);
      mark(id, 'no-gradient', data.links[id].gradient && !sent[id]);
      mark(id, 'fresh', fresh[id]);
      [id, id + 'a', id + 'b'].forEach(function (part) {
        mark(part, 'todo', !from);
        mark(part, 'now', current[id]);
        mark(part, 'source', source[id] && data.links[id].gradient);
      });
    }
    var item = document.getElementById('step-' + at);
    document.querySelectorAll('.steps .now').forEach(function (other) { other.classList.remove('now'); });
    item.classList.add('now');
    caption.textContent = '';
    var where = document.createElement('div');
    where.className = 'where';
    where.innerHTML = '<span class="count">Step ' + at + ' of ' + count + '</span>';
    Array.prototype.forEach.call(item.childNodes, function (part) {
      if (part.nodeName === 'TABLE') return;
      var copy = part.cloneNode(true);
      if (copy.nodeName === 'A') {
        var plain = document.createElement('span');
        plain.innerHTML = copy.innerHTML;
        copy = plain;
      }
      where.appendChild(copy);
    });
    caption.appendChild(where);
    caption.appendChild(item.querySelector('table').cloneNode(true));
    slider.value = at;
    slider.setAttribute('aria-valuetext', 'step ' + at + ' of ' + count);
    document.getElementById('first').disabled = document.getElementById('back').disabled = at === 1;
    document.getElementById('next').disabled = document.getElementById('last').disabled = at === count;
    if (!quietly) { try { history.replaceState(null, '', '#' + at); } catch (e) { /* an address that cannot change */ } }
    follow(now.node);
  }

  // A picture larger than the window: brings the current operation into view.
  function follow(id) {
    if (!id) return;
    var a = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity }, b = box.getBoundingClientRect();
    var ids = [id];  // with what it reads and what reads it
    for (var link in data.links) {
      if (data.links[link].to === id) ids.push(link, data.links[link].from);
      if (data.links[link].from === id) ids.push(link);
    }
    ids.forEach(function (one) {
      var element = svg.getElementById(one);
      if (!element) return;
      var r = element.getBoundingClientRect();
      a = { left: Math.min(a.left, r.left), top: Math.min(a.top, r.top),
            right: Math.max(a.right, r.right), bottom: Math.max(a.bottom, r.bottom) };
    });
    var own = svg.getElementById(id).getBoundingClientRect();
    if (a.right - a.left > b.width) a = { left: own.left, right: own.right, top: a.top, bottom: a.bottom };
    if (a.bottom - a.top > b.height) a = { left: a.left, right: a.right, top: own.top, bottom: own.bottom };
    if (a.left < b.left + 10 || a.right > b.right - 10) box.scrollLeft += (a.left + a.right - b.left - b.right) / 2;
    if (a.top < b.top + 10 || a.bottom > b.bottom - 10) box.scrollTop += (a.top + a.bottom - b.top - b.bottom) / 2;
  }

  var icons = { play: 'M4 2v12l10-6z', pause: 'M3 2h4v12H3zM9 2h4v12H9z' };
  function stop() {
    clearTimeout(timer);
    timer = null;
    play.setAttribute('aria-label', 'Play');
    play.querySelector('path').setAttribute('d', icons.play);
  }
  function tick() {
    if (at === count) return stop();
    show(at + 1);
    timer = setTimeout(tick, 1400 + 900 * caption.querySelectorAll('tr').length);
  }
  function toggle() {
    if (timer !== null) return stop();
    play.setAttribute('aria-label', 'Pause');
    play.querySelector('path').setAttribute('d', icons.pause);
    if (at === count) show(1);
    timer = setTimeout(tick, 900);
  }
  function go(number) { stop(); show(number); }

  document.getElementById('first').onclick = function () { go(1); };
  document.getElementById('back').onclick = function () { go(at - 1); };
  document.getElementById('next').onclick = function () { go(at + 1); };
  document.getElementById('last').onclick = function () { go(count); };
  play.onclick = toggle;
  slider.oninput = function () { go(Number(slider.value)); };
  document.addEventListener('keydown', function (event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    var key = event.key, onButton = event.target.nodeName === 'BUTTON' || event.target.nodeName === 'A';
    if (event.target === slider && key !== ' ') return;  // it knows the other keys itself
    if (key === 'ArrowRight' || key === 'PageDown') go(at + 1);
    else if (key === 'ArrowLeft' || key === 'PageUp') go(at - 1);
    else if (key === 'Home') go(1);
    else if (key === 'End') go(count);
    else if (key === ' ' && !onButton) toggle();
    else return;
    event.preventDefault();
  });
  document.querySelectorAll('.go').forEach(function (link, i) {
    link.onclick = function (event) {
      event.preventDefault();
      go(i + 1);
      window.scrollTo(0, 0);
    };
  });
  function asked() { return parseInt(location.hash.slice(1), 10) || 1; }
  window.addEventListener('hashchange', function () { go(asked()); });
  window.addEventListener('resize', function () { fit(); follow(steps[at - 1].node); });
  var before = 1;
  window.addEventListener('beforeprint', function () { stop(); before = at; show(count, true); });
  window.addEventListener('afterprint', function () { show(before, true); });
  fit();
  show(asked(), true);
  fit();
})();
</script>
</body>
</html>
)page";
}

}  // namespace chainrule
