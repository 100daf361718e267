/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lanes: curves and bars over one time axis. Texts become text nodes, never HTML. */
'use strict';
const runs = JSON.parse(document.getElementById('runs').textContent);
const twins = runs.filter(r => runs.some(o => o !== r && o.name === r.name));
for (const r of twins) r.name = r.path;
const LEFT = 74, RIGHT = 14, ROW = 15, ROWS = 24, LISTED = 500, AXIS = 24;
const CURVES = runs.length > 3 ? 84 : 130; /* height */
/* The lanes, from what the viewer saw to what the guest did. */
const LANES = ['Picture stood still', "Client's picture", 'Sent to clients', 'Streams', 'Drawings', 'Guest waited',
	'Out of memory', 'Calls for memory', "Guest's memory", 'Lost'];
/* What a colour means is the same in all lanes; report.css has the colours. Lines differ by their dashes, too. */
const DASHES = { candidate: [3, 4], picture: [7, 4], evicted: [7, 4], vram: [7, 4], unread: [2, 3] };
/* The legend of a lane of bars, by what they mean. */
const LEGENDS = {
	'Picture stood still': { still: 'the picture stood still, as In short counts it',
		unread: 'not in In short: the client drew there, but no new frame number was read' },
	Streams: { video: 'a video stream, from its begin to its end' },
	'Guest waited': { memory: 'the guest waited for memory' },
	'Out of memory': { memory: "from the guest's first call for memory to its next command" },
	Lost: { lost: 'events were lost; the other lanes are shaded there' },
};
const longest = Math.max(0.001, ...runs.map(r => r.seconds));
const view = { min: 0, max: longest };
const lanes = []; /* { redraw(), resize(), point(t); of curves name, top() } */

/* ---- small things ---- */

function make(tag, attributes, ...children) {
	const e = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes || {})) {
		if (name.startsWith('on')) e.addEventListener(name.slice(2), value);
		else if (value !== null && value !== undefined && value !== false) e.setAttribute(name, value);
	}
	e.append(...children.filter(c => c !== null && c !== undefined));
	return e;
}

const seconds = s => s.toFixed(3) + ' s', exactly = s => s.toFixed(6) + ' s';
const count = (n, thing) => n + ' ' + thing + (n === 1 ? '' : 's');

function short(v, unit) {
	if (v === null || v === undefined) return '–';
	if (v === 0) return '0 ' + unit;
	const steps = [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']];
	for (const [size, letter] of steps) if (Math.abs(v) >= size && unit !== '%') return (v / size).toFixed(1) + ' ' + letter + unit;
	return (Math.abs(v) < 10 ? v.toFixed(1) : v.toFixed(0)) + ' ' + unit;
}

const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const color = means => css('--' + means);

/* ---- the one time axis of all lanes ---- */

const STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
/* Ticks of the view, at least 70 pixels apart. */
function ticks(width) {
	const least = (view.max - view.min) / Math.max(1, width / 70), step = STEPS.find(s => s >= least) || 10000, at = [];
	for (let i = Math.ceil(view.min / step - 1e-9); i * step <= view.max + 1e-9; i++) at.push(i * step);
	return { at, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

function set_view(min, max) {
	const least = longest / 1e6, width = Math.min(longest, Math.max(least, max - min));
	view.min = Math.max(0, Math.min(min, longest - width));
	view.max = view.min + width;
	for (const lane of lanes) lane.redraw();
}

function on_key(event) {
	const width = view.max - view.min, middle = (view.max + view.min) / 2;
	if (event.ctrlKey || event.altKey || event.metaKey) return; /* the browser's own */
	if (event.target !== event.currentTarget && !event.target.classList.contains('bars')) return; /* a list's own */
	const keys = {
		ArrowLeft: [view.min - width / 5, view.max - width / 5],
		ArrowRight: [view.min + width / 5, view.max + width / 5],
		'+': [middle - width / 4, middle + width / 4],
		'-': [middle - width, middle + width],
		'0': [0, longest],
	};
	if (!keys[event.key]) return;
	event.preventDefault();
	set_view(...keys[event.key]);
}

function on_wheel(event) {
	if (!event.ctrlKey && !event.shiftKey) return; /* the page scrolls */
	event.preventDefault();
	const box = event.currentTarget.getBoundingClientRect();
	const at = view.min + (view.max - view.min) * (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT);
	const by = event.deltaY > 0 ? 1.25 : 0.8;
	set_view(at - (at - view.min) * by, at + (view.max - at) * by);
}

/* One line through all lanes, at the time that the pointer is at; null: nowhere. */
let pointing = false;
function point_at(t) {
	if (pointing) return;
	pointing = true;
	for (const lane of lanes) lane.point(t);
	pointing = false;
}

/* A canvas as wide as its parent, with a scale for CSS pixels. */
function begin_canvas(canvas, height) {
	const scale = devicePixelRatio || 1, c = canvas.getContext('2d'), width = canvas.clientWidth;
	canvas.width = width * scale;
	canvas.height = height * scale;
	c.scale(scale, scale);
	const span = Math.max(1, width - LEFT - RIGHT);
	return { c, width, span, x: t => LEFT + (t - view.min) / (view.max - view.min) * span };
}

function axis_lane(parent) {
	const canvas = make('canvas', { class: 'axis', 'aria-hidden': 'true' });
	canvas.style.height = AXIS + 'px';
	parent.append(canvas);
	function redraw() {
		const { c, width, span, x } = begin_canvas(canvas, AXIS), { at, digits } = ticks(span);
		c.font = '12px system-ui, sans-serif';
		c.fillStyle = css('--dim');
		c.textBaseline = 'middle';
		c.textAlign = 'left';
		c.fillText('time', 0, AXIS / 2);
		for (const t of at) {
			const text = t.toFixed(digits) + ' s', half = c.measureText(text).width / 2;
			c.textAlign = 'center';
			c.fillText(text, Math.min(x(t), width - half), AXIS / 2);
		}
	}
	lanes.push({ redraw, resize: redraw, point: () => {} });
}

function draw_marks(context, marks, x, top, bottom) {
	context.strokeStyle = css('--mark');
	context.globalAlpha = 0.7;
	context.beginPath();
	for (const t of marks) {
		if (t < view.min || t > view.max) continue;
		context.moveTo(x(t), top);
		context.lineTo(x(t), bottom);
	}
	context.stroke();
	context.globalAlpha = 1;
}

/* Where events were lost, an empty place does not mean that nothing happened; nor does it after the run's end. */
function draw_shades(context, run, x, top, height, with_lost) {
	context.fillStyle = css('--shade');
	for (const s of run.timeline.spans) {
		if (!with_lost || s.lane !== 'Lost' || s.to < view.min || s.from > view.max) continue;
		const from = x(Math.max(s.from, view.min)), to = x(Math.min(s.to, view.max));
		context.fillRect(from, top, Math.max(1, to - from), height);
	}
	context.fillStyle = css('--after');
	const end = Math.max(run.seconds, view.min);
	if (end < view.max) context.fillRect(x(end), top, x(view.max) - x(end), height);
}

/* ---- a lane of curves ---- */

/* The run's name, where there are several, and what the pointer is at. */
function readout(run, parent, text) {
	const line = make('p', { class: 'readout' + (runs.length > 1 ? '' : ' alone') });
	const set = more => { line.textContent = [runs.length > 1 ? run.name : '', more === undefined ? text : more].filter(s => s).join(': ') || ' '; line.title = line.textContent; };
	parent.append(line);
	set();
	return set;
}

function curves_lane(run, name, curves, parent) {
	const bin = run.timeline.bin, times = [...Array(run.timeline.bins).keys()].map(i => (i + 0.5) * bin), unit = curves[0].unit;
	const top = Math.max(1, ...runs.flatMap(r => r.timeline.curves).filter(c => c.lane === name).flatMap(c => c.values).filter(v => v !== null));
	const peak = c => c.values.reduce((a, b) => Math.max(a, b), 0);
	const say = readout(run, parent, '');
	const line = { stroke: () => css('--line'), width: 1 };
	const plot = new uPlot({
		width: parent.clientWidth, height: CURVES,
		padding: [8, RIGHT, 8, 0],
		scales: { x: { time: false, range: () => [view.min, view.max] }, y: { range: [0, unit === '%' ? 100 : top * 1.05] } },
		axes: [{ size: 0, splits: u => ticks(u.bbox.width / devicePixelRatio).at, values: (u, v) => v.map(() => ''), grid: line, ticks: { show: false } },
			{ stroke: () => css('--dim'), font: '12px system-ui, sans-serif', size: LEFT, space: 28, grid: line, ticks: line, values: (u, v) => v.map(x => short(x, unit).replace('.0 ', ' ')) }],
		legend: { show: false },
		series: [{}, ...curves.map(c => ({ label: c.name, stroke: () => color(c.means), dash: DASHES[c.means], width: c.means === 'all' ? 3 : 1.75, points: { show: false },
			paths: unit === '%' ? uPlot.paths.stepped({ align: 1 }) : undefined }))],
		cursor: { y: false, drag: { x: true, y: false, setScale: false } },
		hooks: {
			setSelect: [u => {
				if (u.select.width > 4) set_view(u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x'));
				u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
			}],
			setCursor: [u => point_at(u.cursor.left >= 0 ? u.posToVal(u.cursor.left, 'x') : null)],
			drawClear: [u => draw_shades(u.ctx, run, t => u.valToPos(t, 'x', true), u.bbox.top, u.bbox.height, true)],
			draw: [u => draw_marks(u.ctx, run.marks, t => u.valToPos(t, 'x', true), u.bbox.top, u.bbox.top + u.bbox.height)],
		},
	}, [times, ...curves.map(c => c.values)], parent);
	plot.over.addEventListener('dblclick', () => set_view(0, longest));
	parent.setAttribute('role', 'img');
	parent.setAttribute('aria-label', name + ' of ' + run.name + ': ' + curves.map(c => c.name + ' up to ' + short(peak(c), c.unit)).join('; '));
	lanes.push({
		name, top: () => plot.scales.y.max,
		redraw: () => { plot.setScale('x', { min: view.min, max: view.max }); plot.redraw(false); },
		resize: () => plot.setSize({ width: parent.clientWidth, height: CURVES }),
		point: t => {
			const i = t === null ? -1 : Math.floor(t / bin);
			plot.setCursor({ left: t === null ? -10 : plot.valToPos(t, 'x'), top: 0 }, false);
			if (t === null) say();
			else say('at ' + seconds(t) + ': ' + (i < run.timeline.bins ? curves.map(c => c.name + ' ' + short(c.values[i], c.unit)).join(', ') : 'the run had ended'));
		},
	});
}

/* ---- a lane of bars ---- */

/* Bars that overlap are in rows below each other, the first free one. */
function place_in_rows(spans) {
	const ends = [];
	spans.sort((a, b) => a.from - b.from);
	for (const s of spans) {
		let row = ends.findIndex(end => end <= s.from);
		s.over = row < 0 && ends.length >= ROWS;
		if (row < 0) row = s.over ? ROWS - 1 : ends.length;
		ends[row] = Math.max(ends[row] || 0, s.to);
		s.row = row;
	}
	return Math.max(1, ends.length);
}

const bar_text = s => s.name + ', from ' + seconds(s.from) + ' for ' + seconds(s.to - s.from);

/* One bar, with a gap behind it, and a pattern where it does not count: not by colour alone. */
function draw_bar(c, s, x) {
	const from = x(s.from), width = Math.max(2, x(s.to) - from - 1), top = 4 + s.row * ROW, height = ROW - 3;
	c.fillStyle = color(s.means);
	if (DASHES[s.means]) for (let at = from; at < from + width; at += 5) c.fillRect(at, top, Math.min(3, from + width - at), height);
	else c.fillRect(from, top, width, height);
}

/* Bars too near to each other to be seen apart: each pixel as dark as it is covered, so that many short ones do not look like a long one. */
function draw_crowd(c, spans, x, span) {
	const covered = new Map(), pixel = (view.max - view.min) / span;
	for (const s of spans) {
		const first = Math.floor(x(s.from)), last = Math.floor(x(s.to));
		for (let at = Math.max(LEFT, first); at <= Math.min(LEFT + span, last); at++) {
			const key = s.row * 65536 + at, from = view.min + (at - LEFT) * pixel;
			covered.set(key, [(covered.has(key) ? covered.get(key)[0] : 0) + Math.max(0, Math.min(s.to, from + pixel) - Math.max(s.from, from)) / pixel, s.means]);
		}
	}
	for (const [key, [part, means]] of covered) {
		c.globalAlpha = 0.25 + 0.75 * Math.min(1, part);
		c.fillStyle = color(means);
		c.fillRect(key % 65536, 4 + Math.floor(key / 65536) * ROW, 1, ROW - 3);
	}
	c.globalAlpha = 1;
}

let bar_number = 0; /* of the elements that name a bar */

/* `rows`: the same in all runs. `open(bar)` shows its events, null closes them; see report.js. */
function bars_lane(run, name, spans, parent, rows, open) {
	const height = rows * ROW + 8, write = readout(run, parent, '');
	const held = () => document.activeElement === box && now >= 0 ? bar_text(spans[now]) : '';
	const say = text => write(text || held() || count(spans.length, 'bar') + (crowded ? ', so close that the paler places have gaps: zoom in to see them apart' : ''));
	const canvas = make('canvas', { class: 'spans', 'aria-hidden': 'true' }), cross = make('div', { class: 'cross', hidden: '' });
	const box = make('div', { class: 'bars', role: 'listbox', tabindex: 0,
		'aria-label': `${name} of ${run.name}: ${count(spans.length, 'bar')}. Arrows move, Enter opens the events, Escape closes them.` }, canvas, cross);
	let now = -1, named = null, crowded = false;
	canvas.style.height = height + 'px';
	parent.append(box);
	let x = t => t;
	function redraw() {
		const begun = begin_canvas(canvas, height), { c, span } = begun;
		x = begun.x;
		c.fillStyle = css('--card');
		c.fillRect(LEFT, 0, span, height);
		c.fillStyle = css('--line');
		for (const t of ticks(span).at) c.fillRect(x(t), 0, 1, height);
		c.save();
		c.beginPath();
		c.rect(LEFT, 0, span, height);
		c.clip();
		draw_shades(c, run, x, 0, height, name !== 'Lost');
		const seen = spans.filter(s => s.to >= view.min && s.from <= view.max);
		crowded = seen.length > span * rows / 4;
		if (crowded) draw_crowd(c, seen, x, span);
		else for (const s of seen) draw_bar(c, s, x);
		draw_marks(c, run.marks, x, 0, height);
		c.restore();
		say();
		name_bar();
	}
	/* The element that a screen reader hears and that shows where the keyboard is. */
	function name_bar() {
		if (named) named.remove();
		named = null;
		box.removeAttribute('aria-activedescendant');
		if (now < 0) return;
		const s = spans[now], from = Math.max(LEFT, x(s.from)), to = Math.min(canvas.clientWidth - RIGHT, x(s.to));
		named = make('div', { class: 'bar', id: 'bar' + ++bar_number, role: 'option', 'aria-label': bar_text(s), 'aria-setsize': spans.length,
			'aria-posinset': now + 1, 'aria-selected': 'true' });
		named.style.cssText = `left: ${from - 2}px; top: ${2 + s.row * ROW}px; width: ${Math.max(6, to - from + 4)}px; height: ${ROW + 1}px`;
		box.append(named);
		box.setAttribute('aria-activedescendant', named.id);
	}
	function go(to) {
		now = Math.max(0, Math.min(spans.length - 1, to));
		const s = spans[now], width = view.max - view.min;
		if (s.to < view.min || s.from > view.max) set_view(s.from - width / 2, s.from + width / 2);
		else name_bar();
		say(bar_text(s));
	}
	const first = () => Math.max(0, spans.findIndex(s => s.to >= view.min));
	const keys = { ArrowRight: () => go(now < 0 ? first() : now + 1), ArrowLeft: () => go(now < 0 ? first() : now - 1),
		ArrowDown: () => go(now < 0 ? first() : now + 1), ArrowUp: () => go(now < 0 ? first() : now - 1), Home: () => go(0), End: () => go(spans.length - 1),
		Enter: () => { if (now < 0) go(first()); open(spans[now], true); }, ' ': () => keys.Enter(), Escape: () => open(null, true) };
	box.addEventListener('keydown', event => {
		if (event.ctrlKey || event.altKey || event.metaKey || !keys[event.key]) return;
		event.preventDefault();
		event.stopPropagation(); /* the arrows of the group move the time */
		keys[event.key]();
	});
	box.addEventListener('focus', () => { if (now < 0) go(first()); });
	box.addEventListener('blur', () => say());
	const under = event => {
		const at = canvas.getBoundingClientRect(), px = event.clientX - at.left, row = Math.floor((event.clientY - at.top - 4) / ROW);
		return spans.findIndex(s => s.row === row && px >= x(s.from) - 2 && px <= Math.max(x(s.to), x(s.from) + 2) + 2);
	};
	canvas.addEventListener('mousemove', event => {
		const i = under(event), px = event.clientX - canvas.getBoundingClientRect().left;
		canvas.style.cursor = i < 0 ? '' : 'pointer';
		point_at(px < LEFT ? null : view.min + (px - LEFT) / (canvas.clientWidth - LEFT - RIGHT) * (view.max - view.min));
		say(i < 0 ? undefined : bar_text(spans[i]));
	});
	canvas.addEventListener('mouseleave', () => { point_at(null); say(); });
	canvas.addEventListener('click', event => {
		const i = under(event);
		if (i < 0) return;
		go(i);
		open(spans[i], false);
	});
	canvas.addEventListener('dblclick', () => set_view(0, longest));
	lanes.push({ redraw, resize: redraw, point: t => {
		cross.hidden = t === null || t < view.min || t > view.max;
		if (!cross.hidden) cross.style.left = x(t) + 'px';
	} });
	return box;
}
