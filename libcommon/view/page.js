// Filters, groups, pages and colours. Data of the stream is only ever set as text.
"use strict";
const PAGE = 50;
const main = document.getElementById("records");
const controls = document.getElementById("controls");
const all = Array.from(main.children);
const numbers = (text) => text ? text.split(",").map(Number) : null;
const largest = (key) => all.reduce((m, a) => Math.max(m, Math.abs(Number(a.dataset[key] || 0))), 1e-9);

function make(tag, text, attributes) {
	const e = document.createElement(tag);
	e.textContent = text || "";
	return Object.assign(e, attributes);
}

/* ---- colours: a measure gives -1 (orange) to 1 (blue); 0 is no colour ---- */

const response = (a) => a.querySelector(".response");
const scale = { entropy: largest("entropy"), advantage: largest("advantage") };
const measures = {
	"log-prob": {
		needs: ["logprobs"], of: (d, i) => d.logprobs[i], tint: (x) => x / 4,
		legend: [0, -1, -2, -4],
	},
	"reference log-prob": {
		needs: ["ref"], of: (d, i) => d.ref[i], tint: (x) => x / 4, legend: [0, -1, -2, -4],
	},
	"log-prob less reference": {
		needs: ["logprobs", "ref"], of: (d, i) => d.logprobs[i] - d.ref[i],
		tint: (x) => x / 2, legend: [-2, -1, 0, 1, 2],
	},
	entropy: { whole: "entropy",
		tint: (x) => -x / scale.entropy, legend: [0, scale.entropy] },
	advantage: { whole: "advantage",
		tint: (x) => x / scale.advantage, legend: [-scale.advantage, 0, scale.advantage] },
};

function color(tint) {
	const alpha = (0.7 * Math.min(1, Math.abs(tint))).toFixed(3);
	return (tint < 0 ? "rgba(226,104,32," : "rgba(58,130,226,") + alpha + ")";
}

const short = (x) => String(Number(x.toPrecision(4)));

/* A span for each token: over the text where it is known who wrote what, else in a strip below */
function split(pre) {
	const ids = numbers(pre.dataset.ids), ends = numbers(pre.dataset.ends);
	const text = pre.textContent;
	const spans = ids.map((id, i) => {
		const piece = ends ? text.slice(i ? ends[i - 1] : 0, ends[i]) : "";
		return make("span", piece, { className: ends && !piece ? "empty" : "" });
	});
	if (ends) {
		pre.replaceChildren(...spans);
	} else {
		const strip = make("div", "", { className: "strip" });
		strip.append(...spans);
		pre.after(strip);
	}
	return { ids, spans, logprobs: numbers(pre.dataset.logprobs), ref: numbers(pre.dataset.ref) };
}

function title(d, i) {
	return "token " + i + ", id " + d.ids[i] +
		(d.logprobs ? "\nlog-prob " + short(d.logprobs[i]) : "") +
		(d.ref ? "\nreference log-prob " + short(d.ref[i]) : "");
}

/* The numbers of token i that the measure asks for; NaN: there are none */
function measure(m, d, i) {
	return m && m.of && m.needs.every((k) => d[k]) ? m.of(d, i) : NaN;
}

function paint(a) {
	const pre = response(a), m = measures[colour.value];
	const value = m && m.whole ? a.dataset[m.whole] : undefined;
	pre.style.backgroundColor = value === undefined ? "" : color(m.tint(Number(value)));
	if (!pre.dataset.ids || (!m && !a.tokens))
		return;
	a.tokens = a.tokens || split(pre);
	a.tokens.spans.forEach((s, i) => {
		const x = measure(m, a.tokens, i);
		s.style.backgroundColor = isNaN(x) ? "" : color(m.tint(x));
		s.title = title(a.tokens, i);
	});
}

/* ---- controls ---- */

function control(label, e) {
	const l = make("label", label);
	l.append(e);
	controls.append(l);
	return e;
}

const place = (d) => (d.iter === undefined ? "" : "iteration " + d.iter + ", ") +
	(d.step === undefined ? "no step" : "step " + d.step);
const keys = {
	task: (d) => d.task,
	step: place,
	reward: (d) => d.reward === undefined ? "no reward" : "reward " + d.reward,
	verdict: (d) => d.verdict === undefined ? "no verdict" : d.verdict,
	finish: (d) => d.finish === undefined ? "no finish" : d.finish,
};
const compare = new Intl.Collator("en", { numeric: true }).compare;
const groupOrder = {
	reward: (a, b) => Number(b.dataset.reward || -Infinity) - Number(a.dataset.reward || -Infinity) || 0,
};

function select(label, values, texts) {
	const s = document.createElement("select");
	values.forEach((v, i) => s.append(make("option", (texts || values)[i], { value: v })));
	return control(label, s);
}

/* A choice among the values that there are; none is offered where all are the same. */
function choice(key) {
	const values = [...new Set(all.map((a) => keys[key](a.dataset)))].sort(compare);
	return values.length < 2 ? null : select(key, ["", ...values], ["any", ...values]);
}

const search = control("search", make("input", "", { type: "search" }));
const group = select("group by", ["", "task", "step", "reward"], ["nothing", "task", "step", "reward"]);
const task = control("task", make("input", "", { type: "search" }));
const choices = ["step", "verdict", "finish"].map((k) => [k, choice(k)]).filter((c) => c[1]);
const least = control("reward from", make("input", "", { type: "number", step: "any" }));
const most = control("to", make("input", "", { type: "number", step: "any" }));
const names = Object.keys(measures).filter((k) => all.some((a) => measures[k].whole ?
	measures[k].whole in a.dataset : measures[k].needs.every((n) => n in response(a).dataset)));
const colour = select("colour", ["", ...names], ["none", ...names]);
const legend = make("span", "", { className: "legend" });
const back = make("button", "←", { type: "button", title: "page before (left arrow)" });
const on = make("button", "→", { type: "button", title: "next page (right arrow)" });
const state = make("span", "", { className: "status" });
state.setAttribute("role", "status");
controls.append(legend, back, on, state);

/* ---- what is shown ---- */

let found = all, page = 0, here = -1;

function holds(a, words) {
	const d = a.dataset;
	a.text = a.text || a.textContent.toLowerCase();
	return words.every((w) => a.text.includes(w)) &&
		d.task.toLowerCase().includes(task.value.toLowerCase()) &&
		choices.every(([k, s]) => !s.value || keys[k](d) === s.value) &&
		(least.value === "" || Number(d.reward) >= Number(least.value)) &&
		(most.value === "" || Number(d.reward) <= Number(most.value));
}

function heading(name) {
	const of = found.filter((a) => keys[group.value](a.dataset) === name);
	const graded = of.filter((a) => a.dataset.reward !== undefined);
	const mean = graded.reduce((sum, a) => sum + Number(a.dataset.reward), 0) / graded.length;
	return make("h2", name + " (" + of.length + (graded.length ? ", mean reward " + short(mean) : "") + ")");
}

function render() {
	const from = page * PAGE, part = found.slice(from, from + PAGE), rows = [];
	let before = null;
	for (const a of part) {
		const name = group.value ? keys[group.value](a.dataset) : null;
		if (name !== before)
			rows.push(heading(name));
		before = name;
		a.tabIndex = -1;
		paint(a);
		rows.push(a);
	}
	main.replaceChildren(...rows);
	state.textContent = found.length + " of the " + all.length + " here pass the filters" +
		(part.length ? "; shown: " + (from + 1) + " to " + (from + part.length) : "") +
		". Keys: j k next and previous, ← → pages, / search.";
	back.disabled = page === 0;
	on.disabled = from + PAGE >= found.length;
}

function refresh() {
	const words = search.value.toLowerCase().split(/\s+/).filter(Boolean), key = keys[group.value];
	found = all.filter((a) => holds(a, words));
	if (key)
		found.sort(groupOrder[group.value] ||
			((a, b) => compare(key(a.dataset), key(b.dataset))));
	page = 0;
	here = -1;
	render();
}

function recolour() {
	const m = measures[colour.value];
	legend.replaceChildren(...(m ? m.legend : []).map((x) => {
		const s = make("span", short(x));
		s.style.backgroundColor = color(m.tint(x));
		return s;
	}));
	render();
}

function turn(by) {
	if (by < 0 ? page === 0 : (page + 1) * PAGE >= found.length)
		return;
	page += by;
	here = page * PAGE - 1;
	render();
	main.scrollIntoView();
}

function go(by) {
	const to = Math.max(0, Math.min(found.length - 1, here + by));
	if (!found.length)
		return;
	here = to;
	if (Math.floor(to / PAGE) !== page) {
		page = Math.floor(to / PAGE);
		render();
	}
	found[to].focus({ preventScroll: true });
	found[to].scrollIntoView({ block: "start" });
}

const press = {
	j: () => go(1), k: () => go(-1), "/": () => search.focus(),
	ArrowRight: () => turn(1), ArrowLeft: () => turn(-1),
};
document.addEventListener("keydown", (e) => {
	const typing = /^(INPUT|SELECT)$/.test(e.target.tagName);
	if (e.key === "Escape")
		e.target.blur();
	if (typing || e.ctrlKey || e.metaKey || e.altKey || !Object.hasOwn(press, e.key))
		return;
	e.preventDefault();
	press[e.key]();
});
controls.addEventListener("input", (e) => e.target === colour ? recolour() : refresh());
back.addEventListener("click", () => turn(-1));
on.addEventListener("click", () => turn(1));
/* A link to a record leads to its page. */
function visit() {
	const i = found.findIndex((a) => "#" + a.id === location.hash);
	if (i < 0)
		return;
	here = i;
	go(0);
}
addEventListener("hashchange", visit);
controls.hidden = false;
colour.value = names[0] || "";
recolour();
visit();
