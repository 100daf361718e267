/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Draws the runs that the page has as JSON. Texts become text nodes, never HTML. */
'use strict';
(() => {
const runs = JSON.parse(document.getElementById('runs').textContent);
for (const r of runs) if (runs.some(o => o !== r && o.name === r.name)) r.name = r.path;
const page = document.getElementById('page');
const LEFT = 74, RIGHT = 14, ROW = 15, ROWS = 24, LISTED = 500;
/* The lanes, from what the viewer saw to what the guest did. */
const LANES = ['Picture stood still', "Client's picture", 'Sent to clients', 'Streams', 'Drawings', 'Guest waited',
	'Out of memory', 'Calls for memory', "Guest's memory", 'Lost'];
const COLORS = ['#2f7ed8', '#d9822b', '#3a9d5d', '#b5479d'];
const longest = Math.max(0.001, ...runs.map(r => r.seconds));
const view = { min: 0, max: longest };
const lanes = []; /* { redraw(), release() } */

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

function short(v, unit) {
	if (v === null || v === undefined) return '–';
	const steps = [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']];
	for (const [size, letter] of steps) if (Math.abs(v) >= size && unit !== '%') return (v / size).toFixed(1) + ' ' + letter + unit;
	return (Math.abs(v) < 10 ? v.toFixed(1) : v.toFixed(0)) + ' ' + unit;
}

const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const tip = make('div', { class: 'tip', hidden: '', role: 'status' });
function show_tip(event, text) {
	tip.textContent = text;
	tip.hidden = !text;
	tip.style.left = Math.min(event.clientX + 14, innerWidth - 430) + 'px';
	tip.style.top = event.clientY + 16 + 'px';
}

/* ---- the one view of all lanes ---- */

let setting = false;
function set_view(min, max) {
	const least = longest / 1e6, width = Math.min(longest, Math.max(least, max - min));
	view.min = Math.max(0, Math.min(min, longest - width));
	view.max = view.min + width;
	setting = true;
	for (const lane of lanes) lane.redraw();
	setting = false;
}

function on_key(event) {
	const width = view.max - view.min, middle = (view.max + view.min) / 2;
	if (event.ctrlKey || event.altKey || event.metaKey) return; /* the browser's own */
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

/* ---- a lane of curves ---- */

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

/* Where events were lost, an empty place does not mean that nothing happened. */
function draw_lost(context, run, x, top, height) {
	context.fillStyle = css('--lost');
	for (const s of run.timeline.spans) {
		if (s.lane !== 'Lost' || s.to < view.min || s.from > view.max) continue;
		const from = x(Math.max(s.from, view.min)), to = x(Math.min(s.to, view.max));
		context.fillRect(from, top, Math.max(1, to - from), height);
	}
}

function curves_lane(run, name, curves, parent) {
	const bin = run.timeline.bin, times = [...Array(run.timeline.bins).keys()].map(i => (i + 0.5) * bin);
	const unit = curves[0].unit;
	const top = Math.max(1, ...runs.flatMap(r => r.timeline.curves).filter(c => c.lane === name).flatMap(c => c.values).filter(v => v !== null));
	const axis = { stroke: () => css('--dim'), grid: { stroke: () => css('--line'), width: 1 }, ticks: { stroke: () => css('--line'), width: 1 } };
	const plot = new uPlot({
		width: parent.clientWidth, height: 150,
		padding: [8, RIGHT, 0, 0],
		scales: { x: { time: false, range: () => [view.min, view.max] }, y: { range: [0, unit === '%' ? 100 : top * 1.05] } },
		axes: [{ ...axis, size: 28, values: (u, v) => v.map(s => s + ' s') }, { ...axis, size: LEFT, values: (u, v) => v.map(x => short(x, unit)) }],
		series: [{ label: 'at', value: (u, v) => v === null ? '–' : seconds(v) },
			...curves.map((c, i) => ({ label: c.name, stroke: COLORS[i % COLORS.length], width: 1.5, value: (u, v) => short(v, unit),
				paths: unit === '%' ? uPlot.paths.stepped({ align: 1 }) : undefined }))],
		cursor: { sync: { key: 'time' }, drag: { x: true, y: false, setScale: false } },
		hooks: {
			setSelect: [u => {
				if (u.select.width > 4) set_view(u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x'));
				u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
			}],
			drawClear: [u => draw_lost(u.ctx, run, t => u.valToPos(t, 'x', true), u.bbox.top, u.bbox.height)],
			draw: [u => draw_marks(u.ctx, run.marks, t => u.valToPos(t, 'x', true), u.bbox.top, u.bbox.top + u.bbox.height)],
		},
	}, [times, ...curves.map(c => c.values)], parent);
	plot.over.addEventListener('dblclick', () => set_view(0, longest));
	parent.setAttribute('role', 'img');
	parent.setAttribute('aria-label', name + ': ' + curves.map(c => c.name + ' up to ' + short(Math.max(0, ...c.values), c.unit)).join('; '));
	lanes.push({ redraw: () => { plot.setScale('x', { min: view.min, max: view.max }); plot.redraw(false); },
		resize: () => plot.setSize({ width: parent.clientWidth, height: 150 }) });
}

/* ---- a lane of spans ---- */

/* Spans that overlap are in rows below each other, the first free one. */
function rows_of(spans) {
	const ends = [];
	for (const s of spans) {
		let row = ends.findIndex(end => end <= s.from);
		s.over = row < 0 && ends.length >= ROWS;
		if (row < 0) row = s.over ? ROWS - 1 : ends.length;
		ends[row] = Math.max(ends[row] || 0, s.to);
		s.row = row;
	}
	return Math.max(1, ends.length);
}

function spans_lane(run, name, spans, parent, find) {
	spans.sort((a, b) => a.from - b.from);
	const rows = rows_of(spans), height = rows * ROW + 8, hidden = spans.filter(s => s.over).length;
	const canvas = make('canvas', { class: 'spans', role: 'img', 'aria-label': name + ': ' + spans.length + ' spans, listed below' });
	canvas.style.height = height + 'px';
	parent.append(canvas);
	const x = t => LEFT + (t - view.min) / (view.max - view.min) * (canvas.clientWidth - LEFT - RIGHT);
	function redraw() {
		const scale = devicePixelRatio || 1, c = canvas.getContext('2d');
		canvas.width = canvas.clientWidth * scale;
		canvas.height = height * scale;
		c.scale(scale, scale);
		c.fillStyle = css('--card');
		c.fillRect(LEFT, 0, canvas.clientWidth - LEFT - RIGHT, height);
		c.save();
		c.beginPath();
		c.rect(LEFT, 0, canvas.clientWidth - LEFT - RIGHT, height);
		c.clip();
		for (const s of spans) {
			if (s.to < view.min || s.from > view.max) continue;
			c.fillStyle = s === canvas.picked ? css('--pick') : COLORS[s.row % COLORS.length];
			c.fillRect(x(s.from), 4 + s.row * ROW, Math.max(2, x(s.to) - x(s.from)), ROW - 3);
		}
		if (name !== 'Lost') draw_lost(c, run, x, 0, height);
		draw_marks(c, run.marks, x, 0, height);
		c.restore();
	}
	const under = event => {
		const box = canvas.getBoundingClientRect(), px = event.clientX - box.left, row = Math.floor((event.clientY - box.top - 4) / ROW);
		return spans.find(s => s.row === row && px >= x(s.from) - 2 && px <= Math.max(x(s.to), x(s.from) + 2) + 2);
	};
	canvas.addEventListener('mousemove', event => {
		const s = under(event);
		canvas.style.cursor = s && find(s.ref, true) ? 'pointer' : '';
		show_tip(event, s ? s.name + ', from ' + seconds(s.from) + ' for ' + seconds(s.to - s.from) : '');
	});
	canvas.addEventListener('mouseleave', () => { tip.hidden = true; });
	canvas.addEventListener('click', event => { const s = under(event); if (s && s.ref) find(s.ref); });
	canvas.addEventListener('dblclick', () => set_view(0, longest));
	if (hidden) parent.append(make('p', { class: 'help' }, `${hidden} of them lie over others in the last row.`));
	parent.append(make('details', {}, make('summary', { class: 'help' }, 'as a list' + (spans.length > LISTED ? `: the first ${LISTED} of ${spans.length}` : '')), make('div', { class: 'events' },
		make('table', {}, ...spans.slice(0, LISTED).map(s => make('tr', {},
			make('td', { class: 'number' }, seconds(s.from)), make('td', { class: 'number' }, seconds(s.to - s.from)), make('td', {}, s.name)))))));
	lanes.push({ redraw, resize: redraw });
}

/* ---- sentences, their events, an event's journey ---- */

function journey_of(run, id, at) {
	const rows = run.journeys.filter(j => j.release_id === id);
	return rows.find(j => (j.alloc === undefined || j.alloc <= at + 0.001) && (j.free === undefined || j.free >= at - 0.001));
}

function toggle_journey(run, row, event) {
	if (row.nextSibling && row.nextSibling.className === 'journey') {
		row.nextSibling.remove();
		row.classList.remove('open');
		return;
	}
	const [at, , , fields] = event, id = fields.release_id, journey = id && journey_of(run, id, at);
	const text = journey ? Object.entries(journey).map(([k, v]) => k + ' ' + (typeof v === 'number' && !Number.isInteger(v) ? exactly(v) : v)).join(', ')
		: id ? 'No journey of this release is in the page.' : 'This event names no release.';
	row.classList.add('open');
	row.after(make('tr', { class: 'journey' }, make('td', {}), make('td', { colspan: 3 }, journey ? 'Journey: ' + text : text)));
	const width = Math.min(view.max - view.min, Math.max(1, longest / 50));
	set_view(at - width / 2, at + width / 2);
}

function events_of(run, ref) {
	const { list, all } = run.evidence[ref] || { list: [], all: 0 };
	if (!all) return make('p', { class: 'help' }, 'No single event shows this: it rests on what is not there, or on all events.');
	return make('div', { class: 'events' }, make('table', {},
		make('caption', { class: 'help' }, all > list.length ? `the first ${list.length} of ${all} events` : `${all} event${all === 1 ? '' : 's'}`),
		...list.map(event => {
			const row = make('tr', { tabindex: 0, 'data-event': event[2] },
				make('td', { class: 'number' }, exactly(event[0])), make('td', {}, event[1]), make('td', {}, event[2]),
				make('td', { class: 'fields' }, Object.entries(event[3]).map(([k, v]) => k + '=' + v).join(' ')));
			row.addEventListener('click', () => toggle_journey(run, row, event));
			row.addEventListener('keydown', e => { if (e.key === 'Enter') toggle_journey(run, row, event); });
			return row;
		})));
}

function sentence(run, item) {
	const button = make('button', { type: 'button', 'aria-expanded': 'false' },
		make('span', { class: 'ref' }, item.ref), make('span', item.doubt ? { class: 'doubt' } : {}, item.text));
	const line = make('li', { 'data-ref': item.ref }, button);
	button.addEventListener('click', () => {
		const open = line.classList.toggle('open');
		button.setAttribute('aria-expanded', open);
		if (open) line.append(events_of(run, item.ref));
		else line.lastChild.remove();
		run.open[open ? 'add' : 'delete'](item.ref);
		run.marks = [...run.open].flatMap(ref => (run.evidence[ref] || { list: [] }).list.map(e => e[0]));
		set_view(view.min, view.max);
	});
	return line;
}

function sentences(run, section) {
	return make('ul', { class: 'sentences' + (section.title === 'In short' ? ' short' : '') }, ...section.items.map(i => sentence(run, i)));
}

/* ---- a run ---- */

function timeline(run, place, box) {
	const help = 'Drag over a curve, or Ctrl and wheel, to zoom; double-click for all. Keys: + - 0 and arrows.';
	const all = make('div', { tabindex: 0, role: 'group', 'aria-label': 'Timeline. ' + help });
	place.append(make('h2', {}, 'Timeline'), make('p', { class: 'help' }, help), all);
	all.addEventListener('keydown', on_key);
	const find = (ref, only_ask) => {
		const line = ref ? box.querySelector(`li[data-ref^="${CSS.escape(ref)}."]`) : null;
		if (!line || only_ask) return line;
		const details = line.closest('details');
		if (details) details.open = true;
		if (!line.classList.contains('open')) line.firstChild.click();
		line.scrollIntoView({ block: 'center' });
	};
	for (const name of LANES) {
		const curves = run.timeline.curves.filter(c => c.lane === name), spans = run.timeline.spans.filter(s => s.lane === name);
		if (!curves.length && !spans.length) continue;
		const lane = make('div', { class: 'lane', 'data-lane': name });
		lane.addEventListener('wheel', on_wheel, { passive: false });
		all.append(make('h3', {}, name, run.timeline.notes[name] ? make('span', { class: 'note' }, ' ' + run.timeline.notes[name]) : null), lane);
		if (curves.length) curves_lane(run, name, curves, lane);
		else spans_lane(run, name, spans, lane, find);
	}
}

function show(run, parent) {
	run.marks = [];
	run.open = new Set();
	const box = make('section', { 'aria-label': run.name });
	parent.append(box);
	const lost = run.lost === undefined ? 'an unknown number lost' : run.lost ? run.lost + ' lost' : 'none lost';
	box.append(make('h1', {}, run.name),
		make('p', { class: 'about' }, `${run.seconds.toFixed(1)} s${run.started ? ', from ' + run.started : ''}; ${run.events} events, ${lost}`));
	if (run.warning) box.append(make('p', { class: 'warning', role: 'alert' }, run.warning));
	const [first, ...rest] = run.sections;
	if (first) box.append(make('h2', {}, first.title), make('p', { class: 'help' }, 'Choose a sentence to see its events; choose an event to see what became of its drawing.'), sentences(run, first));
	timeline(run, box, box);
	for (const s of rest) box.append(make('details', { open: runs.length === 1 ? '' : null }, make('summary', {}, make('strong', {}, s.title)), sentences(run, s)));
}

/* Several runs: the figures that lie apart by more than a fifth are marked. */
function figures() {
	const names = Object.keys(runs[0].figures);
	return make('table', { id: 'figures' },
		make('tr', {}, make('th', {}, ''), ...runs.map(r => make('th', {}, r.name))),
		...names.map(name => {
			const values = runs.map(r => r.figures[name]), known = values.filter(v => v !== null);
			const differs = known.length > 1 && Math.max(...known) > 1.2 * Math.min(...known);
			return make('tr', {}, make('th', {}, name), ...values.map(v => make('td', { class: 'number' + (differs ? ' differs' : '') },
				v === null ? '–' : Number.isInteger(v) ? String(v) : v.toFixed(2))));
		}));
}

document.title = 'spicetap: ' + runs.map(r => r.name).join(', ');
document.body.append(tip);
const grid = make('div', { class: 'runs' });
if (runs.length > 1) page.append(make('h2', {}, 'Side by side'), figures());
page.append(grid);
for (const run of runs) show(run, grid);
set_view(0, longest);
addEventListener('resize', () => { for (const lane of lanes) lane.resize(); });
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => set_view(view.min, view.max));
})();
