/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page of the runs: sentences, events, journeys, and the lanes of lanes.js. */
const page = document.getElementById('page');

/* ---- events, an event's journey ---- */

function field_of(run, event, name) {
	const i = (run.fields[event[2]] || []).indexOf(name);
	return i < 0 ? undefined : event[3][i];
}

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
	const at = event[0], id = field_of(run, event, 'release_id'), journey = id && journey_of(run, id, at);
	const text = journey ? Object.entries(journey).map(([k, v]) => k + ' ' + (typeof v === 'number' && !Number.isInteger(v) ? exactly(v) : v)).join(', ')
		: id ? 'No journey of this release is in the page.' : 'This event names no release.';
	row.classList.add('open');
	row.after(make('tr', { class: 'journey' }, make('td', {}), make('td', { colspan: 3 }, journey ? 'Journey: ' + text : text)));
	const width = Math.min(view.max - view.min, Math.max(1, longest / 50));
	set_view(at - width / 2, at + width / 2);
}

function events_table(run, list, caption) {
	return make('div', { class: 'events' }, make('table', {},
		make('caption', { class: 'help' }, caption),
		...list.map(event => {
			const names = run.fields[event[2]] || [];
			const row = make('tr', { tabindex: 0, 'data-event': event[2] },
				make('td', { class: 'number' }, exactly(event[0])), make('td', {}, event[1]), make('td', {}, event[2]),
				make('td', { class: 'fields' }, names.map((name, i) => name + '=' + event[3][i]).join('  ')));
			row.addEventListener('click', () => toggle_journey(run, row, event));
			row.addEventListener('keydown', e => { if (e.key === 'Enter') toggle_journey(run, row, event); });
			return row;
		})));
}

function events_of(run, ref) {
	const { list, all } = run.evidence[ref] || { list: [], all: 0 };
	if (!all) return make('p', { class: 'help' }, 'No single event shows this: it rests on what is not there, or on all events.');
	return events_table(run, list, all > list.length ? `the first ${list.length} of ${all} events` : count(all, 'event'));
}

/* ---- sentences ---- */

function sentence(run, item) {
	const button = make('button', { type: 'button', 'aria-expanded': item.lane ? null : 'false' },
		make('span', { class: 'ref' }, item.ref), make('span', item.doubt ? { class: 'doubt' } : {}, item.text));
	const line = make('li', { 'data-ref': item.ref }, button);
	button.addEventListener('click', () => {
		if (item.lane) {
			const bars = run.bars[item.lane];
			if (bars) { bars.scrollIntoView({ block: 'center' }); bars.focus({ preventScroll: true }); }
			return;
		}
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

const is_about = (item, ref) => ref !== '' && (item.ref === ref || item.ref.startsWith(ref + '.'));

/* Opens the sentence where it stands, and goes there. */
function go_to(run, item) {
	const line = run.texts.flatMap(e => [...e.querySelectorAll('li')]).find(l => l.dataset.ref === item.ref);
	if (!line) return;
	const details = line.closest('details');
	if (details) details.open = true;
	if (!line.classList.contains('open')) line.firstChild.click();
	line.scrollIntoView({ block: 'center' });
	line.firstChild.focus({ preventScroll: true });
}

/* ---- the events of a bar ---- */

function bar_panel(run, s, close) {
	const about = run.sections.flatMap(x => x.items).filter(i => is_about(i, s.ref));
	const caption = !s.all ? '' : s.all > s.events.length ? `${s.events.length} of ${s.all} events: the first ones and the last` : count(s.all, 'event');
	return make('div', { class: 'opened', role: 'region', tabindex: -1, 'aria-label': 'The events of ' + bar_text(s), onkeydown: e => { if (e.key === 'Escape') close(); } },
		make('p', {}, make('strong', {}, bar_text(s)), ' ', make('button', { type: 'button', class: 'close', onclick: close }, 'Close')),
		about.length ? make('ul', { class: 'sentences' }, ...about.map(i => make('li', {}, make('button', { type: 'button', onclick: () => go_to(run, i) },
			make('span', { class: 'ref' }, i.ref), make('span', i.doubt ? { class: 'doubt' } : {}, i.text))))) : null,
		s.all ? events_table(run, s.events, caption) : make('p', { class: 'help' }, 'The run has no event of its own for this.'));
}

function bars_cell(run, name, cell, rows) {
	const spans = run.timeline.spans.filter(s => s.lane === name).sort((a, b) => a.from - b.from);
	let panel = null, shown = null;
	const open = (s, by_key) => {
		const again = s === shown;
		if (panel) panel.remove();
		panel = shown = null;
		if (s && !again) {
			panel = bar_panel(run, s, () => open(null, true));
			shown = s;
			cell.append(panel);
			if (by_key) panel.focus();
		} else if (by_key) run.bars[name].focus();
	};
	run.bars[name] = bars_lane(run, name, spans, cell, rows, open);
	cell.append(make('details', {}, make('summary', { class: 'help' }, 'as a list' + (spans.length > LISTED ? `: the first ${LISTED} of ${spans.length}` : '')), make('div', { class: 'events' },
		make('table', {}, ...spans.slice(0, LISTED).map(s => make('tr', { tabindex: 0, onclick: () => open(s, true), onkeydown: e => { if (e.key === 'Enter') open(s, true); } },
			make('td', { class: 'number' }, seconds(s.from)), make('td', { class: 'number' }, seconds(s.to - s.from)), make('td', {}, s.name)))))));
}

/* ---- the timeline of all runs ---- */

function swatch(means, line) {
	const dash = DASHES[means];
	return make('span', { class: 'swatch ' + (line ? 'line ' : '') + (dash ? dash[0] < 5 ? 'dotted' : 'dashed' : ''), style: `--c: var(--${means})`, 'aria-hidden': 'true' });
}

/* What the colours of the lane mean, and of bars how many there are of each. */
function legend(name, curves, spans) {
	const entries = curves.length ? [...new Map(curves.map(c => [c.name, c])).values()].map(c => [c.means, c.name])
		: Object.entries(LEGENDS[name]).map(([means, text]) => [means, text, spans.filter(s => s.means === means).length]).filter(e => e[2]);
	return make('ul', { class: 'legend' }, ...entries.map(([means, text, n]) =>
		make('li', { 'data-means': means }, swatch(means, !n), text + (n && runs.length === 1 ? ` (${n})` : ''))));
}

function lane(name, place) {
	const curves = runs.flatMap(r => r.timeline.curves).filter(c => c.lane === name), spans = runs.flatMap(r => r.timeline.spans).filter(s => s.lane === name);
	if (!curves.length && !spans.length) return;
	const row = make('div', { class: 'row' }), notes = runs.map(r => [r, r.timeline.notes[name]]).filter(n => n[1]);
	place.append(make('h3', {}, name, ...notes.map(([r, text]) => make('span', { class: 'note' }, ' ' + (runs.length > 1 ? r.name + ': ' : '') + text))),
		legend(name, curves, spans), row);
	const rows = Math.max(1, ...runs.map(r => place_in_rows(r.timeline.spans.filter(s => s.lane === name))));
	const over = spans.filter(s => s.over).length;
	if (over) place.append(make('p', { class: 'help' }, `${over} of them lie over others in the last row.`));
	for (const run of runs) {
		const cell = make('div', { class: 'lane', 'data-lane': name }), own = run.timeline.curves.filter(c => c.lane === name);
		cell.addEventListener('wheel', on_wheel, { passive: false });
		row.append(cell);
		if (own.length) curves_lane(run, name, own, cell);
		else if (run.timeline.spans.some(s => s.lane === name)) bars_cell(run, name, cell, rows);
		else {
			readout(run, cell, '');
			cell.append(make('p', { class: 'none', style: `height: ${curves.length ? CURVES : rows * ROW + 8}px` }, 'no such event in this run'));
		}
	}
}

function timeline(place) {
	const help = 'Drag over a curve, or Ctrl and wheel, to zoom; double-click for all. Keys: + - 0 and arrows. Choose a bar, by click or Tab, arrows and Enter, to see its events.';
	const all = make('div', { tabindex: 0, role: 'group', 'aria-label': 'Timeline. ' + help });
	const axis = make('div', { class: 'row axes' });
	place.append(make('h2', {}, 'Timeline'), make('p', { class: 'help' }, (runs.length > 1 ? "All runs have the same axes; the time counts from each run's own start. " : '') + help), all);
	all.addEventListener('keydown', on_key);
	all.append(axis);
	for (const run of runs.slice(0, runs.length > 3 ? 1 : undefined)) {
		const cell = make('div', { 'data-run': run.name });
		axis.append(cell);
		axis_lane(cell);
	}
	for (const name of LANES) lane(name, all);
}

/* ---- the runs ---- */

function head(run, parent) {
	const box = make('section', { 'aria-label': run.name });
	parent.append(box);
	const lost = run.lost === undefined ? 'an unknown number lost' : run.lost ? run.lost + ' lost' : 'none lost';
	box.append(make(runs.length > 1 ? 'h2' : 'h1', {}, run.name),
		make('p', { class: 'about' }, `${run.seconds.toFixed(1)} s${run.started ? ', from ' + run.started : ''}; ${count(run.events, 'event')}, ${lost}`));
	if (run.warning) box.append(make('p', { class: 'warning', role: 'alert' }, run.warning));
	if (run.sections.length) box.append(make(runs.length > 1 ? 'h3' : 'h2', {}, run.sections[0].title), sentences(run, run.sections[0]));
	return box;
}

function details(run, parent) {
	const box = make('section', { 'aria-label': run.name + ', in detail' });
	parent.append(box);
	if (runs.length > 1) box.append(make('h2', {}, run.name));
	for (const s of run.sections.slice(1)) box.append(make('details', { open: runs.length === 1 ? '' : null }, make('summary', {}, make('strong', {}, s.title)), sentences(run, s)));
	return box;
}

/* ---- several runs: their figures ---- */

const MARKED = 3; /* rows */

/* How far a value lies outside those of the other runs, as a part of the larger of the two next to each other; 0: not by more than the
 * others lie apart, or not by more than a fifth. */
function apart(v, others) {
	const low = Math.min(...others), high = Math.max(...others), by = v > high ? v - high : low - v;
	const part = v > high ? 1 - high / v : 1 - v / low;
	return v === null || !others.length || !(by > high - low) || !(part > 1 - 1 / 1.2) ? 0 : v > high ? part : -part;
}

function marks_of(values) {
	return values.map((v, i) => apart(v, values.filter((o, k) => k !== i && o !== null)));
}

function figures() {
	const names = Object.keys(runs[0].figures).filter(n => runs.some(r => r.figures[n] !== null)), marks = Object.fromEntries(names.map(n => [n, marks_of(runs.map(r => r.figures[n]))]));
	const strength = n => Math.max(...marks[n].map(Math.abs)), chosen = names.filter(strength).sort((a, b) => strength(b) - strength(a)).slice(0, MARKED);
	const meaning = runs.length === 2 ? '▲ and ▼ mark the higher and the lower of two figures more than a fifth apart'
		: "▲ and ▼ mark a figure that lies outside those of all other runs by more than these runs' whole range, and by more than a fifth";
	return [make('div', { class: 'scroll' }, make('table', { id: 'figures' },
		make('tr', {}, make('th', {}, ''), ...runs.map(r => make('th', { class: 'number' }, r.name))),
		...names.map(name => make('tr', {}, make('th', {}, name), ...runs.map((r, i) => {
			const v = r.figures[name], mark = chosen.includes(name) ? marks[name][i] : 0, text = v === null ? '–' : Number.isInteger(v) ? String(v) : v.toFixed(2);
			return make('td', { class: 'number' + (mark ? ' differs' : '') }, mark ? make('span', { 'aria-label': mark > 0 ? 'higher' : 'lower' }, mark > 0 ? '▲ ' : '▼ ') : null, text);
		}))))), make('p', { class: 'help', id: 'mark' }, `${meaning}; only the ${MARKED} rows that differ most have marks. A dash: not recorded, or events were lost.`)];
}

/* ---- the page ---- */

function show() {
	const several = runs.length > 1, heads = make('div', { class: 'row heads' }), rest = make('div', { class: 'row' });
	document.title = 'spicetap: ' + runs.map(r => r.name).join(', ');
	document.body.classList.add(runs.length > 3 ? 'stacked' : 'columns');
	document.body.style.setProperty('--runs', Math.min(runs.length, 3));
	if (several) page.append(make('h1', {}, `${runs.length} runs side by side`), ...figures());
	page.append(heads);
	for (const run of runs) {
		run.marks = [];
		run.open = new Set();
		run.bars = {};
		run.texts = [head(run, heads)];
	}
	page.append(make('p', { class: 'help' }, 'Choose a sentence to see its events; choose an event to see what became of its drawing.'));
	timeline(page);
	page.append(make('h2', {}, 'In detail'), rest);
	for (const run of runs) run.texts.push(details(run, rest));
	set_view(0, longest);
	addEventListener('resize', () => { for (const lane of lanes) lane.resize(); });
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => set_view(view.min, view.max));
}

show();
