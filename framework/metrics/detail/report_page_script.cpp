#include <gradus/framework/metrics/detail/report_page.h>

namespace gradus::detail {

const std::string_view report_script = R"js('use strict';
const report = JSON.parse(document.getElementById('data').textContent);

// ---- elements: strings become text, never HTML

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}
function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}
function shape(tag, attributes = {}, ...children) {
  return fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);
}
function note(text) { return element('p', { class: 'note' }, text); }

// ---- numbers as text

const digits = (value, most = 6) => value.toLocaleString('en', { maximumFractionDigits: most });
const count = (value) => digits(value, 0);
const counted = (value, name) => `${count(value)} ${name}${value === 1 ? '' : 's'}`;
function exponential(value, places) {
  return Number(value.toPrecision(places)).toExponential().replace('e+', 'e');
}
function number(value, places = 6) {
  const size = Math.abs(value);
  const whole = Number.isInteger(value);
  if (size !== 0 && (size >= (whole ? 1e15 : 1e7) || size < 1e-4)) return exponential(value, 5);
  return digits(whole ? value : Number(value.toPrecision(places)), 10);
}
function percent(share) { return `${(100 * share).toFixed(1)}\u00a0%`; }
function tickText(value, step) {
  if (Math.abs(value) < step * 1e-6) return '0';
  const power = Math.floor(Math.log10(step) + 1e-9);
  if (Math.abs(value) >= 1e7 || power < -4) {
    const places = Math.floor(Math.log10(Math.abs(value)) + 1e-9) - power + 1;
    return exponential(value, Math.min(Math.max(places, 1), 9));
  }
  const places = Math.max(0, -power);
  return value.toLocaleString('en', { minimumFractionDigits: places, maximumFractionDigits: places });
}

// ---- axes

function padded([low, high], log, share) {
  if (!(low <= high)) return log ? [0.1, 1] : [0, 1];
  low = Math.max(low, -1e300);
  high = Math.min(high, 1e300);
  if (log) {
    const factor = low === high ? 2 : (high / low) ** share;
    return [low / factor, high * factor];
  }
  const margin = low === high ? Math.abs(low) * 0.1 || 1 : (high - low) * share;
  return [low - margin, high + margin];
}

function scale([low, high], from, to, log) {
  const f = log ? Math.log10 : (value) => value;
  const begin = f(low), size = f(high) - begin;
  const map = (value) => from + (f(value) - begin) / size * (to - from);
  map.back = (pixel) => {
    const value = begin + (pixel - from) / (to - from) * size;
    return log ? 10 ** value : value;
  };
  return map;
}

function linearTicks([low, high], most, whole) {
  const rough = Math.max((high - low) / Math.max(most, 1), whole ? 1 : 0);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9 && ticks.length < 50; ++i) {
    ticks.push({ value: i * step, text: tickText(i * step, step) });
  }
  return ticks;
}

function ticksOf(range, most, log, whole = false) {
  if (!log) return linearTicks(range, most, whole);
  const [low, high] = range.map(Math.log10);
  if (high - low < 0.8) return linearTicks(range, most, false);
  const factors = high - low > 2.5 ? [1] : [1, 2, 5];
  const every = Math.max(1, Math.ceil((high - low) / Math.max(most, 1)));
  const ticks = [];
  for (let power = Math.ceil(low / every) * every - every; power <= high; power += every) {
    for (const factor of factors) {
      const value = factor * 10 ** power;
      const plain = power >= -4 && power < 6;
      const text = plain ? digits(Number(value.toPrecision(3)), 6) : exponential(value, 1);
      if (value >= range[0] && value <= range[1]) ticks.push({ value, text });
    }
  }
  return ticks;
}

// ---- the tip beside the pointer

const tip = element('div', { id: 'tip', hidden: true });
function showTip(x, y, ...children) {
  tip.replaceChildren(...children);
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const right = document.documentElement.clientWidth - 8, bottom = document.documentElement.clientHeight - 8;
  const left = x + 16 + width <= right ? x + 16 : x - 16 - width;
  const top = y - height - 12 >= 8 ? y - height - 12 : y + 20;
  tip.style.left = `${Math.max(8, Math.min(left, right - width))}px`;
  tip.style.top = `${Math.max(8, Math.min(top, bottom - height))}px`;
}
function hideTip() { tip.hidden = true; }

// ---- a plot with axes, zoom by drag, and what is under the pointer

// The content has
//   name, xName, yName         texts
//   height(width)              in pixels
//   extent(zoom, width, height) -> {x, y}     the ranges of the axes
//   log() -> {x, y}            which of them are logarithmic; optional
//   wholeX                     whether x has whole numbers only
//   draw(group, x, y, area)    with the scales x and y
//   hover(px, py, x, y, area) -> {marks, tip, at, px, py} or null
//   move(direction, at, range) -> the place to which an arrow key leads, or null; optional
//   boxes                      whether a drag is a box, however flat
class Plot {
  constructor(content) {
    this.content = content;
    this.zoom = null;
    this.svg = shape('svg', { role: 'img', 'aria-label': content.name });
    this.node = element('div', { class: 'plot', tabindex: 0, 'aria-label': `${content.name}: drag to zoom, double-click to reset` }, this.svg);
    this.reset = element('button', { type: 'button', hidden: true, onclick: () => this.setZoom(null) }, 'Reset zoom');
    this.clip = `clip${Plot.count = (Plot.count || 0) + 1}`;
    const on = (type, f) => this.node.addEventListener(type, (event) => f.call(this, event));
    on('pointerdown', this.press);
    on('pointermove', this.drag);
    on('pointerup', this.release);
    on('pointercancel', this.leave);
    on('pointerleave', (event) => { if (event.pointerType === 'mouse' && !this.from) this.leave(); });
    on('dblclick', () => this.setZoom(null));
    on('keydown', this.key);
    on('blur', this.leave);
    // In a frame of its own: what is drawn may change the size, and the observer must not see that at once.
    const resized = () => { if (this.node.clientWidth !== this.width) this.draw(); };
    new ResizeObserver(() => requestAnimationFrame(resized)).observe(this.node);
  }

  setZoom(zoom) {
    this.zoom = zoom;
    this.reset.hidden = !zoom;
    this.draw();
    this.leave();
  }

  draw() {
    const { content } = this;
    const width = this.width = this.node.clientWidth;
    if (width === 0) return;
    const height = this.height = Math.round(content.height(width));
    const log = content.log ? content.log() : {};
    const top = 10, bottom = height - (content.xName ? 44 : 26), right = width - 14;
    let left = 50, range, yTicks;
    for (let i = 0; i < 2; ++i) {  // the labels of the y axis say how much room they need
      range = content.extent(this.zoom, right - left, bottom - top);
      yTicks = ticksOf(range.y, (bottom - top) / 40, log.y);
      const longest = Math.max(...yTicks.map((tick) => tick.text.length), 1);
      left = Math.ceil(longest * 7 + 14) + (content.yName ? 18 : 0);
    }
    this.area = { left, right, top, bottom };
    const x = this.x = scale(range.x, left, right, log.x), y = this.y = scale(range.y, bottom, top, log.y);
    const xTicks = ticksOf(range.x, (right - left) / 85, log.x, content.wholeX);

    const frame = shape('g');
    for (const tick of yTicks) {
      frame.append(shape('line', { class: 'grid', x1: left, x2: right, y1: y(tick.value), y2: y(tick.value) }),
        shape('text', { x: left - 8, y: y(tick.value) + 4, 'text-anchor': 'end' }, tick.text));
    }
    let taken = -Infinity;
    for (const tick of xTicks) {
      const at = x(tick.value), half = tick.text.length * 3.5;
      frame.append(shape('line', { class: 'grid', x1: at, x2: at, y1: top, y2: bottom }));
      const middle = Math.min(Math.max(at, half), width - half);
      if (middle - half < taken + 8) continue;
      taken = middle + half;
      frame.append(shape('text', { x: middle, y: bottom + 18, 'text-anchor': 'middle' }, tick.text));
    }
    frame.append(shape('path', { class: 'axis', fill: 'none', d: `M${left},${top}V${bottom}H${right}` }));
    if (content.xName) frame.append(shape('text', { x: (left + right) / 2, y: height - 6, 'text-anchor': 'middle' }, content.xName));
    if (content.yName) {
      frame.append(shape('text', { transform: `translate(12,${(top + bottom) / 2}) rotate(-90)`, 'text-anchor': 'middle' }, content.yName));
    }
    const body = shape('g', { 'clip-path': `url(#${this.clip})` });
    content.draw(body, x, y, this.area);
    this.over = shape('g', { 'pointer-events': 'none' });
    this.svg.replaceChildren(shape('clipPath', { id: this.clip },
      shape('rect', { x: left, y: top - 4, width: Math.max(right - left + 4, 0), height: bottom - top + 8 })), frame, body, this.over);
    this.svg.setAttribute('width', width);
    this.svg.setAttribute('height', height);
    this.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  }

  place(event) {
    const box = this.svg.getBoundingClientRect();
    const { left, right, top, bottom } = this.area;
    return { x: Math.min(Math.max(event.clientX - box.left, left), right), y: Math.min(Math.max(event.clientY - box.top, top), bottom) };
  }
  press(event) {
    if (event.button !== 0 || !this.area) return;
    this.from = this.place(event);
    if (event.pointerType === 'mouse') this.node.setPointerCapture(event.pointerId);
  }
  // What a drag from `from` to `to` chooses: a box, or all of the height.
  selection(to) {
    const { from, area } = this;
    const tall = this.content.boxes || Math.abs(to.y - from.y) > 20;
    const box = { x0: Math.min(from.x, to.x), x1: Math.max(from.x, to.x), tall,
      y0: tall ? Math.min(from.y, to.y) : area.top, y1: tall ? Math.max(from.y, to.y) : area.bottom };
    return box.x1 - box.x0 < 8 || box.y1 - box.y0 < 8 ? null : box;
  }
  drag(event) {
    if (!this.area) return;
    const to = this.place(event);
    const box = this.from && this.selection(to);
    if (!box) { if (!this.from || event.pointerType !== 'mouse') this.hover(to.x, to.y); return; }
    hideTip();
    this.over.replaceChildren(shape('rect', { class: 'selection', x: box.x0, y: box.y0, width: box.x1 - box.x0, height: box.y1 - box.y0 }));
  }
  release(event) {
    if (!this.from) return;
    const to = this.place(event), box = this.selection(to);
    this.from = null;
    if (!box) { this.hover(to.x, to.y); return; }
    const y = [this.y.back(box.y1), this.y.back(box.y0)], x = [this.x.back(box.x0), this.x.back(box.x1)];
    if (x[1] - x[0] > 1e-9 * Math.max(Math.abs(x[0]), Math.abs(x[1]))) this.setZoom({ x, y: box.tall ? y : null });
    else this.leave();
  }
  hover(px, py) {
    const found = this.content.hover(px, py, this.x, this.y, this.area);
    if (!found) { this.leave(); return; }
    this.at = found.at;
    this.over.replaceChildren(...found.marks);
    const box = this.svg.getBoundingClientRect();
    showTip(box.left + found.px, box.top + found.py, ...found.tip);
  }
  leave() {
    this.from = null;
    if (this.over) this.over.replaceChildren();
    hideTip();
  }
  key(event) {
    if (event.key === 'Escape') { this.setZoom(null); return; }
    const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!direction || !this.content.move || !this.area) return;
    event.preventDefault();
    const range = [this.x.back(this.area.left), this.x.back(this.area.right)];
    const next = this.content.move(direction, this.at, range);
    if (next !== null) this.hover(this.x(next), (this.area.top + this.area.bottom) / 2);
  }
}
document.addEventListener('pointerdown', (event) => { if (!event.target.closest('.plot, .confusion')) hideTip(); });

const hint = 'Drag to zoom, double-click to reset.';
const colour = (i) => `var(--c${i % 8})`;

function legend(names, swatch, value, changed) {
  const shown = names.map(() => true);
  const buttons = names.map((name, i) => element('button', {
    type: 'button', 'aria-pressed': 'true', title: 'Show or hide',
    onclick() {
      shown[i] = !shown[i];
      this.setAttribute('aria-pressed', shown[i]);
      changed();
    },
  }, swatch(i), element('span', { dir: 'auto' }, name), value(i)));
  return { shown, node: element('div', { class: 'legend' }, ...buttons) };
}
function checkbox(text, checked, changed, disabled = false) {
  const box = element('input', { type: 'checkbox', checked, disabled, onchange: () => changed(box.checked) });
  return element('label', {}, box, text);
}

// ---- curves

// The first place in ascending xs that is not below x.
function lowerBound(xs, x) {
  let low = 0, high = xs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle] < x) low = middle + 1; else high = middle;
  }
  return low;
}

// Each value becomes a mean of all, with weights exp(-distance / width) on both sides.
function smoothed({ x, y }, width, log) {
  const places = log ? x.map(Math.log10) : x;
  const sums = (order) => {
    let sum = 0, weight = 0, last = null;
    const out = [];
    for (const i of order) {
      if (y[i] === null) continue;
      const decay = last === null ? 0 : Math.exp(-Math.abs(places[i] - places[last]) / width);
      sum = sum * decay + y[i];
      weight = weight * decay + 1;
      out[i] = { sum, weight };
      last = i;
    }
    return out;
  };
  const indices = [...x.keys()], before = sums(indices), after = sums(indices.reverse());
  const mean = (value, i) => value === null ? null : (before[i].sum + after[i].sum - value) / (before[i].weight + after[i].weight - 1);
  return { x, y: y.map(mean) };
}

const dashes = [null, '7 4', '2 4', '9 3 2 3'];
function lineStyle(i) { return { stroke: colour(i), 'stroke-dasharray': dashes[Math.floor(i / 8) % dashes.length] }; }
function lineSwatch(i) {
  return shape('svg', { width: 20, height: 10, 'aria-hidden': 'true' }, shape('path', { class: 'curve', d: 'M1,5H19', ...lineStyle(i) }));
}

function curvesSection(section) {
  const { curves } = section;
  const state = { log: section.log_y, smooth: null };
  const values = curves.flatMap((curve) => curve.y.filter((value) => value !== null));
  if (values.length === 0) return { body: [note(curves.length === 0 ? 'There are no curves.' : 'No value is finite.')] };
  const positive = values.some((value) => value > 0);
  state.log = state.log && positive;
  const seen = (value) => value !== null && (!state.log || value > 0);

  function extent(zoom) {
    let x = [Infinity, -Infinity], y = [Infinity, -Infinity];
    const shown = curves.filter((_, i) => names.shown[i]);
    for (const curve of shown.length > 0 ? shown : curves) {
      for (let i = 0; i < curve.x.length; ++i) {
        if (!seen(curve.y[i])) continue;
        if (zoom && (curve.x[i] < zoom.x[0] || curve.x[i] > zoom.x[1])) continue;
        x = [Math.min(x[0], curve.x[i]), Math.max(x[1], curve.x[i])];
        y = [Math.min(y[0], curve.y[i]), Math.max(y[1], curve.y[i])];
      }
    }
    return { x: zoom ? zoom.x : padded(x, section.log_x, 0), y: zoom && zoom.y ? zoom.y : padded(y, state.log, 0.05) };
  }

  // Lines, and apart from them points without neighbours, which no line shows.
  function paths({ x: xs, y: ys }, x, y, area) {
    let lines = '', dots = '', begin = true, points = 0;
    const inside = (i) => x(xs[i]) >= area.left && x(xs[i]) <= area.right;
    for (let i = 0; i < xs.length; ++i) if (seen(ys[i]) && inside(i)) ++points;
    for (let i = 0; i < xs.length; ++i) {
      if (!seen(ys[i])) { begin = true; continue; }
      const px = x(xs[i]).toFixed(1), py = y(ys[i]).toFixed(1);
      if (!Number.isFinite(+px) || !Number.isFinite(+py)) { begin = true; continue; }
      lines += `${begin ? 'M' : 'L'}${px},${py}`;
      const alone = begin && (i + 1 === xs.length || !seen(ys[i + 1]));
      if (alone || points <= 25) dots += `M${px},${py}h0`;
      begin = false;
    }
    return { lines, dots, points };
  }
  function draw(group, x, y, area) {
    curves.forEach((curve, i) => {
      if (!names.shown[i]) return;
      const faint = state.smooth !== null;
      const raw = paths(curve, x, y, area);
      const kind = faint ? 'curve faint' : raw.points > area.right - area.left ? 'curve dense' : 'curve';
      group.append(shape('path', { class: kind, d: raw.lines, ...lineStyle(i) }));
      if (faint) group.append(shape('path', { class: 'curve', d: paths(state.smooth[i], x, y, area).lines, ...lineStyle(i) }));
      group.append(shape('path', { class: faint ? 'curve dots faint' : 'curve dots', d: raw.dots, stroke: colour(i) }));
    });
  }

  // The point of a curve that is nearest to the pixel, of those in sight.
  function nearest(curve, px, x, area) {
    const i = lowerBound(curve.x, x.back(px));
    let best = -1;
    for (const k of [i - 1, i]) {
      if (k < 0 || k >= curve.x.length || x(curve.x[k]) < area.left - 1 || x(curve.x[k]) > area.right + 1) continue;
      if (best < 0 || Math.abs(x(curve.x[k]) - px) < Math.abs(x(curve.x[best]) - px)) best = k;
    }
    return best;
  }
  function hover(px, py, x, y, area) {
    const found = curves.map((curve, i) => names.shown[i] ? nearest(curve, px, x, area) : -1);
    const places = curves.map((curve, i) => curve.x[found[i]]).filter((place) => place !== undefined);
    if (places.length === 0) return null;
    const at = places.reduce((best, place) => Math.abs(x(place) - px) < Math.abs(x(best) - px) ? place : best);
    const marks = [shape('line', { class: 'cursor', x1: x(at), x2: x(at), y1: area.top, y2: area.bottom })];
    const cells = state.smooth ? ['value', 'smoothed'].map((text) => element('span', { class: 'aside number' }, text)) : [];
    if (state.smooth) cells.unshift(element('span'), element('span'));
    curves.forEach((curve, i) => {
      const k = found[i];
      if (k < 0) return;
      const value = curve.y[k];
      if (seen(value)) marks.push(shape('circle', { cx: x(curve.x[k]), cy: y(value), r: 4, fill: colour(i), class: 'mark' }));
      const name = element('span', { dir: 'auto' }, curve.name || section.title);
      if (curve.x[k] !== at) name.append(element('span', { class: 'aside' }, ` at ${number(curve.x[k])}`));
      cells.push(lineSwatch(i), name, element('span', { class: 'number' }, value === null ? 'not finite' : number(value, 5)));
      if (!state.smooth) return;
      const mean = state.smooth[i].y[nearest(state.smooth[i], x(curve.x[k]), x, area)];
      cells.push(element('span', { class: 'number' }, mean === undefined || mean === null ? '' : number(mean, 5)));
    });
    const values = element('div', { class: state.smooth ? 'values smooth' : 'values' }, ...cells);
    return { marks, tip: [element('b', {}, `${section.x_name} ${number(at)}`), values], at, px: x(at), py };
  }
  function move(direction, from, range) {
    let next = null;
    curves.forEach((curve, i) => {
      if (!names.shown[i]) return;
      for (const x of curve.x) {
        if (x < range[0] || x > range[1] || (from !== undefined && (x - from) * direction <= 0)) continue;
        if (next === null || (next - x) * direction > 0) next = x;
      }
    });
    return next;
  }

  const names = legend(curves.map((curve) => curve.name || section.title), lineSwatch, (i) => {
    const last = curves[i].y.filter((value) => value !== null).pop();
    return last === undefined ? null : element('span', { class: 'number', title: 'The last value' }, number(last, 4));
  }, () => plot.draw());
  const wholeX = curves.every((curve) => curve.x.every(Number.isInteger));
  const plot = new Plot({ name: section.title, xName: section.x_name, wholeX, extent, draw, hover, move,
    height: (width) => Math.min(Math.max(width * 0.4, 250), 380), log: () => ({ x: section.log_x, y: state.log }) });
  const output = element('output', {}, 'off');
  function smooth() {
    const share = section.most_smoothing * slider.value ** 2;  // of the x axis
    const range = extent(null).x.map(section.log_x ? Math.log10 : Number);
    output.textContent = share > 0 ? `${(100 * share).toPrecision(2)}\u00a0%` : 'off';
    state.smooth = share > 0 ? curves.map((curve) => smoothed(curve.means || curve, share * (range[1] - range[0]), section.log_x)) : null;
    plot.draw();
  }
  const slider = element('input', { type: 'range', min: 0, max: 1, step: 0.01, value: Math.sqrt(section.smoothing / section.most_smoothing),
    'aria-label': 'Smoothing', oninput: smooth });
  const text = note('');
  const setLog = (checked) => { state.log = checked; text.textContent = notes(); plot.setZoom(null); };
  const most = Math.max(...curves.map((curve) => curve.points));
  function notes() {
    const all = [hint];
    for (const curve of curves) {
      const name = curve.name || section.title;
      if (curve.gaps > 0) all.push(`${name}: ${count(curve.gaps)} of ${counted(curve.points, 'value')} are not finite, and are gaps.`);
      if (state.log && curve.not_positive > 0) {
        all.push(`${name}: ${count(curve.not_positive)} of ${counted(curve.points, 'value')} are not above 0: a log scale cannot show them.`);
      }
    }
    if (curves.some((curve) => curve.means)) {
      all.push(`Of up to ${count(most)} points, the first, last, lowest and highest of each of ${count(section.stretches)} stretches are drawn.`);
    }
    return all.join(' ');
  }
  text.textContent = notes();
  smooth();
  return { controls: [plot.reset, checkbox('Log scale', state.log, setLog, !positive), element('label', { title: 'How far means reach, as a share of the x axis' }, 'Smoothing', slider, output)],
    body: [names.node, plot.node, text] };
}

// ---- the map of embeddings

const radius = 4;
function markPath(kind, x, y, r = radius) {
  const at = (dx, dy) => `${(x + dx * r).toFixed(1)},${(y + dy * r).toFixed(1)}`;
  if (kind === 1) return `M${at(-0.9, -0.9)}L${at(0.9, -0.9)}L${at(0.9, 0.9)}L${at(-0.9, 0.9)}Z`;
  if (kind === 2) return `M${at(0, -1.2)}L${at(1.1, 0.8)}L${at(-1.1, 0.8)}Z`;
  if (kind === 3) return `M${at(0, -1.3)}L${at(1.3, 0)}L${at(0, 1.3)}L${at(-1.3, 0)}Z`;
  return `M${at(-1, 0)}a${r},${r} 0 1 0 ${2 * r},0a${r},${r} 0 1 0 ${-2 * r},0Z`;
}
const markKind = (group) => (group + Math.floor(group / 8)) % 4;

function embeddingsSection(section) {
  const { labels, x: xs, y: ys, groups, group_of: groupOf } = section;
  const drawn = labels.length;
  if (drawn === 0) return { body: [note(section.count === 0 ? 'There are no points.' : `None of ${counted(section.count, 'point')} is drawn.`)] };
  const state = { labels: true, wanted: '' };
  const group = (i) => groups.length > 0 ? groupOf[i] : 0;
  const seen = (i) => Number.isFinite(xs[i]) && Number.isFinite(ys[i]) && names.shown[group(i)] !== false;
  const matches = (i) => state.wanted !== '' && labels[i].toLowerCase().includes(state.wanted);

  // One unit is as long on both axes.
  function extent(zoom, width, height) {
    let box = zoom;
    if (!zoom) {
      box = { x: [Infinity, -Infinity], y: [Infinity, -Infinity] };
      for (let i = 0; i < drawn; ++i) {
        box.x = [Math.min(box.x[0], xs[i]), Math.max(box.x[1], xs[i])];
        box.y = [Math.min(box.y[0], ys[i]), Math.max(box.y[1], ys[i])];
      }
      if (box.x[0] === box.x[1] || box.y[0] !== box.y[1]) box.y = padded(box.y, false, 0.05);
      if (box.x[0] !== box.x[1] || box.y[0] === box.y[1]) box.x = padded(box.x, false, 0.05);
    }
    const unit = Math.max((box.x[1] - box.x[0]) / width, (box.y[1] - box.y[0]) / height);
    const around = ([low, high], size) => [(low + high - unit * size) / 2, (low + high + unit * size) / 2];
    return { x: around(box.x, width), y: around(box.y, height) };
  }

  function draw(node, x, y, area) {
    const paths = new Map();
    const inside = [];
    for (let i = 0; i < drawn; ++i) {
      if (!seen(i)) continue;
      const px = x(xs[i]), py = y(ys[i]);
      if (px < area.left - 9 || px > area.right + 9 || py < area.top - 9 || py > area.bottom + 9) continue;
      inside.push(i);
      paths.set(group(i), (paths.get(group(i)) || '') + markPath(markKind(group(i)), px, py, drawn > 500 ? 3.2 : radius));
    }
    const dim = state.wanted === '' ? 0.85 : 0.25;
    for (const [i, d] of paths) node.append(shape('path', { class: 'mark', d, fill: colour(i), 'fill-opacity': dim }));
    const chosen = inside.filter(matches);
    for (const i of chosen) node.append(shape('circle', { class: 'ring', cx: x(xs[i]), cy: y(ys[i]), r: 6 }));
    if (state.labels || chosen.length > 0) writeLabels(node, state.wanted === '' ? inside : chosen, inside, x, y, area);
  }

  // The labels that have room between points and other labels, in order.
  function writeLabels(node, points, inside, x, y, area) {
    const size = 40, cells = new Map(), taken = [];
    const cell = (column, row) => `${column},${row}`;
    for (const i of inside) {
      const key = cell(Math.floor(x(xs[i]) / size), Math.floor(y(ys[i]) / size));
      if (!cells.has(key)) cells.set(key, []);
      cells.get(key).push(i);
    }
    const covers = (box, i) => {
      const px = x(xs[i]), py = y(ys[i]);
      return px > box.x - 3 && px < box.x + box.width + 3 && py > box.y - 2 && py < box.y + 18;
    };
    const free = (box) => {
      if (box.x < area.left || box.x + box.width > area.right + 10 || box.y < area.top || box.y + 16 > area.bottom) return false;
      if (taken.some((b) => box.x < b.x + b.width && b.x < box.x + box.width && Math.abs(b.y - box.y) < 15)) return false;
      for (let column = Math.floor((box.x - 3) / size); column <= (box.x + box.width + 3) / size; ++column) {
        for (let row = Math.floor((box.y - 2) / size); row <= (box.y + 18) / size; ++row) {
          if ((cells.get(cell(column, row)) || []).some((i) => covers(box, i))) return false;
        }
      }
      return true;
    };
    for (const i of points) {
      if (taken.length === 100) break;
      const characters = [...labels[i]];
      const text = characters.length > 24 ? `${characters.slice(0, 23).join('')}\u2026` : labels[i];
      const width = Math.min(characters.length, 24) * 7 + 2, px = x(xs[i]), py = y(ys[i]);
      const places = [[px + 7, py - 8], [px - 7 - width, py - 8], [px - width / 2, py - 22], [px - width / 2, py + 6]];
      const box = places.map((place) => ({ x: place[0], y: place[1], width })).find(free);
      if (!box) continue;
      taken.push(box);
      const anchor = box.x > px ? 'start' : box.x + width < px ? 'end' : 'middle';
      const at = { start: box.x, end: box.x + width, middle: px }[anchor];
      node.append(shape('text', { class: 'label', x: at, y: box.y + 12, 'text-anchor': anchor, 'data-point': i }, text));
    }
  }

  function hover(px, py, x, y, area) {
    let best = -1, least = 24;
    for (let i = 0; i < drawn; ++i) {
      const away = seen(i) ? Math.hypot(x(xs[i]) - px, y(ys[i]) - py) : Infinity;
      if (away < least && x(xs[i]) >= area.left - 5 && x(xs[i]) <= area.right + 5) { best = i; least = away; }
    }
    if (best < 0) return null;
    const tip = [element('b', { dir: 'auto' }, labels[best])];
    if (groups.length > 0) tip.push(element('div', {}, markSwatch(group(best)), element('span', { dir: 'auto' }, groups[group(best)])));
    tip.push(element('div', { class: 'aside' }, `${number(xs[best])}, ${number(ys[best])}`));
    const at = { px: x(xs[best]), py: y(ys[best]) };
    return { marks: [shape('circle', { class: 'ring', cx: at.px, cy: at.py, r: 7 })], tip, at: best, ...at };
  }
  function markSwatch(i) {
    const mark = shape('path', { class: 'mark', d: markPath(markKind(i), 7, 7, 5), fill: colour(i) });
    return shape('svg', { width: 14, height: 14, 'aria-hidden': 'true' }, mark);
  }

  const sizes = groups.map(() => 0);
  for (const i of groupOf) ++sizes[i];
  const names = legend(groups, markSwatch, (i) => element('span', { class: 'number' }, count(sizes[i])), () => plot.draw());
  const axis = (i) => `component ${i + 1}: ${percent(section.explained[i])} of the variance`;
  const plot = new Plot({ name: section.title, xName: axis(0), yName: axis(1), boxes: true,
    height: (width) => Math.min(Math.max(width * 0.62, 320), 600), extent, draw, hover });
  const search = element('input', { type: 'search', placeholder: 'Find a label', 'aria-label': 'Find a label', oninput() {
    state.wanted = search.value.trim().toLowerCase();
    plot.draw();
  } });
  const which = drawn < section.count ? `The first ${count(drawn)} of ${counted(section.count, 'point')} are drawn` : counted(drawn, 'point');
  const text = `${which}: rows of size ${count(section.dimensions)}, by the first two principal components of all ` +
    `${count(section.count)}, which have ${percent(section.explained[0] + section.explained[1])} of their variance. ${hint}`;
  return { controls: [plot.reset, search, checkbox('Labels', true, (checked) => { state.labels = checked; plot.draw(); })],
    body: [groups.length > 0 ? names.node : null, plot.node, note(text)] };
}

// ---- the confusion matrix

function confusionSection(section) {
  const { names, counts } = section;
  const size = names.length;
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const rows = counts.map(sum), columns = names.map((_, k) => sum(counts.map((row) => row[k])));
  const total = sum(rows);
  const merged = section.merged > 0 ? size - 1 : -1;  // its diagonal has mistakes too
  const share = (part, whole) => whole === 0 ? '\u2013' : percent(part / whole);
  const kind = size <= 12 ? '' : size <= 30 ? ' medium' : ' small';
  const turn = size > 12 || names.some((name) => name.length > 6);
  const head = (name, k) => element('th', { scope: 'col', 'data-column': k }, element('span', { class: turn ? 'turned' : null, dir: 'auto' }, name));

  function cell(i, k) {
    const value = counts[i][k], part = rows[i] === 0 ? 0 : value / rows[i];
    const about = value === 0 || (i === k && i === merged) ? '' : i === k ? 'right' : 'wrong';
    const shade = 0.08 + 0.92 * part ** 0.8;
    const strong = shade > (about === 'right' ? 0.8 : 0.9) ? ' strong' : '';
    const node = element('td', { class: about + strong, 'data-row': i, 'data-column': k });
    if (value > 0) node.style.setProperty('--share', shade.toFixed(3));
    if (kind === ' small') { if (value > 0) node.setAttribute('aria-label', value); return node; }
    node.append(rows[i] === 0 ? '' : count(value));
    if (kind === '' && value > 0) node.append(element('small', {}, `${Math.round(100 * part)}\u00a0%`));
    return node;
  }
  const side = (text) => element('td', { class: 'side' }, text);
  const diagonal = (i, whole) => i === merged ? '' : share(counts[i][i], whole);
  const body = names.map((name, i) => element('tr', {}, element('th', { scope: 'row', 'data-row': i, dir: 'auto' }, name),
    ...names.map((_, k) => cell(i, k)), side(diagonal(i, rows[i])), side(count(rows[i]))));
  const unit = kind === '' ? '\u00a0%' : '';  // where columns are narrow, the head of the row has it
  const short = (k) => k === merged ? '' : columns[k] === 0 ? '\u2013' : `${Math.round(100 * counts[k][k] / columns[k])}${unit}`;
  const foot = element('tr', { class: 'foot' }, element('th', { scope: 'row' }, unit ? 'precision' : 'precision, %'), ...names.map((_, k) => side(short(k))));
  const table = element('table', { class: `confusion${kind}` },
    element('thead', {}, element('tr', {}, element('th', { class: 'corner' }, 'label \u2193 predicted \u2192'), ...names.map(head),
      element('th', { class: 'side', scope: 'col' }, 'recall'), element('th', { class: 'side', scope: 'col' }, 'count'))),
    element('tbody', {}, ...body, foot));

  let marked = [];
  function unmark() {
    for (const node of marked) node.classList.remove('at');
    marked = [];
    hideTip();
  }
  function show(event) {
    unmark();
    const node = event.target.closest('[data-row], [data-column]');
    if (!node) return;
    const { row: i, column: k } = node.dataset;
    marked = [node, ...table.querySelectorAll(`th[data-row="${i}"], th[data-column="${k}"]`)];
    for (const each of marked) each.classList.add('at');
    const lines = [];
    if (i === undefined) {
      lines.push(element('b', { dir: 'auto' }, names[k]), `predicted ${count(columns[k])} times, precision ${diagonal(k, columns[k]) || '\u2013'}`);
    } else if (k === undefined) {
      lines.push(element('b', { dir: 'auto' }, names[i]), `${count(rows[i])} examples, recall ${diagonal(i, rows[i]) || '\u2013'}`);
    } else {
      lines.push(element('div', {}, element('span', { class: 'aside' }, 'label'), element('span', { dir: 'auto' }, names[i])),
        element('div', {}, element('span', { class: 'aside' }, 'predicted'), element('span', { dir: 'auto' }, names[k])),
        `${count(counts[i][k])} of ${count(rows[i])}: ${share(counts[i][k], rows[i])}`);
    }
    const box = node.getBoundingClientRect();
    showTip(box.right - 8, box.top + 4, ...lines);
  }
  table.addEventListener('pointerover', show);
  table.addEventListener('pointerleave', unmark);

  const list = section.mistakes.map((mistake) => element('li', {}, element('bdi', {}, mistake.label), ' \u2192 ', element('bdi', {}, mistake.predicted),
    `: ${count(mistake.count)} of ${count(mistake.of)} (${share(mistake.count, mistake.of)})`));
  const notes = [total === 0 ? 'There are no predictions.' : `${count(section.right)} of ${count(total)} are right: ${share(section.right, total)}.`,
    'Shading and percentages are shares of the row: blue is right, orange wrong.'];
  if (kind === ' small') notes.push('Point at a cell or at a name for its numbers.');
  if (section.merged > 0) {
    notes.push(`Of ${count(section.classes)} classes, the ${count(merged)} with the most mistakes are shown; the others are one.`);
  }
  return { body: [element('div', { class: 'scroll tall', tabindex: 0, role: 'group', 'aria-label': section.title }, table), note(notes.join(' ')),
    list.length > 0 ? element('h3', {}, 'Most frequent mistakes') : null, list.length > 0 ? element('ol', { class: 'mistakes' }, ...list) : null] };
}

// ---- examples

function examplesSection(section) {
  const { rows } = section;
  if (section.count === 0) return { body: [note('There are no examples.')] };
  const page = 25;
  const state = { wanted: '', key: null, ascending: false, shown: page };
  const scored = rows.some((row) => row.score !== null);
  const bars = scored && rows.every((row) => row.score === null || (row.score >= 0 && row.score <= 1));
  const columns = [['text', 'Text'], ['expected', 'Expected'], ['predicted', 'Predicted'], ...(scored ? [['score', 'Score']] : [])];

  function line(row) {
    const right = row.expected === row.predicted;
    const cells = [element('td', { class: 'text', dir: 'auto' }, row.text),
      element('td', { 'data-name': 'Expected' }, element('bdi', {}, row.expected)),
      element('td', { 'data-name': 'Predicted', class: right ? 'good' : 'bad' }, right ? '\u2713 ' : '\u2717 ', element('bdi', {}, row.predicted))];
    if (!scored) return element('tr', {}, ...cells);
    const bar = bars && row.score !== null ? element('span', { class: 'bar' }, element('i')) : null;
    if (bar) bar.firstChild.style.width = `${100 * row.score}%`;
    const score = row.score === null ? '\u2013' : bars ? row.score.toFixed(3) : number(row.score);
    cells.push(element('td', { 'data-name': 'Score', class: 'number' }, score, bar));
    return element('tr', {}, ...cells);
  }
  function compare(a, b) {
    const [x, y] = [a[state.key], b[state.key]];
    if (x === null || y === null) return (x === null) - (y === null);
    const order = typeof x === 'string' ? x.localeCompare(y) : x - y;
    return state.ascending ? order : -order;
  }
  function draw() {
    let found = rows.filter((row) => [row.text, row.expected, row.predicted].some((text) => text.toLowerCase().includes(state.wanted)));
    if (state.key) found = found.sort(compare);
    body.replaceChildren(...found.slice(0, state.shown).map(line));
    more.hidden = found.length <= state.shown;
    more.textContent = `Show more: ${count(found.length - Math.min(state.shown, found.length))} are left`;
    nothing.hidden = found.length > 0;
    heads.forEach((head, i) => {
      const on = columns[i][0] === state.key;
      head.setAttribute('aria-sort', !on ? 'none' : state.ascending ? 'ascending' : 'descending');
      head.firstChild.textContent = columns[i][1] + (!on ? '' : state.ascending ? ' \u25b2' : ' \u25bc');
    });
  }
  const heads = columns.map(([key, name]) => element('th', { scope: 'col' }, element('button', { type: 'button', title: 'Sort', onclick() {
    state.ascending = state.key === key ? !state.ascending : key !== 'score';
    state.key = key;
    draw();
  } }, name)));
  const body = element('tbody');
  const more = element('button', { type: 'button', class: 'more', onclick() { state.shown += 4 * page; draw(); } });
  const nothing = note('Nothing is found.');
  const search = element('input', { type: 'search', placeholder: 'Find', 'aria-label': `Find in ${section.title}`, oninput() {
    state.wanted = search.value.trim().toLowerCase();
    state.shown = page;
    draw();
  } });
  draw();
  const widths = element('colgroup', {}, element('col'), element('col', { class: 'c-label' }), element('col', { class: 'c-label' }),
    scored ? element('col', { class: 'c-score' }) : null);
  const all = section.wrong === section.count;
  const notes = [all ? counted(section.wrong, 'wrong prediction') : `${count(section.wrong)} of ${counted(section.count, 'prediction')} are wrong`];
  if (scored) notes.push('those with the highest score come first');
  if (rows.length === 0) return { body: [note(`${notes[0]}; none is shown.`)] };
  if (rows.length < section.count) notes.push(`the first ${count(rows.length)} are shown`);
  const table = element('table', { class: 'examples' }, widths, element('thead', {}, element('tr', {}, ...heads)), body);
  return { controls: [search], body: [note(`${notes.join('; ')}.`), table, nothing, more] };
}

// ---- texts and numbers

function textSection(section) { return { body: [element('p', { class: 'text', dir: 'auto' }, section.text)] }; }
function valuesSection({ values }) {
  if (values.length === 0) return { body: [note('There are no values.')] };
  return { body: [element('dl', { class: 'tiles' }, ...values.map(({ name, value }) => element('div', {},
    element('dt', { dir: 'auto' }, name), element('dd', {}, /^-?\d+$/.test(value) ? BigInt(value).toLocaleString('en') : value))))] };
}
function tableSection({ columns, rows }) {
  if (rows.length === 0) return { body: [note('The table is empty.')] };
  const numeric = /^[-+]?(\d[\d,.]*|\.\d+)(e[-+]?\d+)?\s*%?$/i;
  const aligned = rows[0].map((_, k) => columns.length > 0 && rows.every((row) => row[k] === '' || numeric.test(row[k])));
  const cell = (tag, text, k) => element(tag, { class: aligned[k] ? 'number' : null, dir: 'auto', scope: tag === 'th' ? 'col' : null }, text);
  return { body: [element('div', { class: 'scroll' }, element('table', { class: columns.length > 0 ? 'plain' : 'plain named' },
    columns.length > 0 ? element('thead', {}, element('tr', {}, ...columns.map((name, k) => cell('th', name, k)))) : null,
    element('tbody', {}, ...rows.map((row) => element('tr', {}, ...row.map((text, k) => cell('td', text, k)))))))] };
}

// ---- the page

const kinds = { text: textSection, values: valuesSection, table: tableSection, curves: curvesSection, confusion: confusionSection,
  examples: examplesSection, embeddings: embeddingsSection };
document.title = report.title;
const main = element('main', {}, element('h1', { dir: 'auto' }, report.title));
const links = element('nav', { 'aria-label': 'Sections' });
if (report.sections.length > 2) main.append(links);
if (report.sections.length === 0) main.append(note('This report is empty.'));
document.body.append(main, tip);
report.sections.forEach((section, i) => {
  const { controls = [], body } = kinds[section.kind](section);
  const id = `section-${i + 1}`, node = element('section', { id, 'data-kind': section.kind });
  if (section.title !== '') links.append(element('a', { href: `#${id}`, dir: 'auto' }, section.title));
  if (section.title !== '' || controls.length > 0) {
    node.append(element('div', { class: 'head' }, element('h2', { dir: 'auto' }, section.title),
      controls.length > 0 ? element('div', { class: 'controls' }, ...controls) : ''));
  }
  node.append(...body.filter((part) => part !== null));
  main.append(node);
});
main.append(element('footer', {}, 'Written by gradus. The page needs no network.'));
)js";

}  // namespace gradus::detail
