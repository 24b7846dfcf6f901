/* task-gen - procedural problems with verifiable answers, and demonstrations. See man/task-gen.1.
 */
#include "base/io.h"
#include "base/json.h"
#include "base/tool.h"
#include "stream/mpjson.h"
#include "stream/rec.h"
#include "stream/traj.h"
#include "kinds/gen.h"

#include <string.h>
#include <unistd.h>

static int64_t count = 1000;
static int64_t seed;
static const char *split; /* NULL: train, or pretrain with --demos */
static const char *style = "short";
static bool demos, list;
static int64_t min_numbers, max_numbers, max_value, min_large, min_target, max_target;

static const struct opt opts[] = {
	{'n', "count", "N", OPT_INT, &count, 1, 1e9, "how many"},
	{'s', "seed", "N", OPT_INT, &seed, 0, 9e15, "which ones"},
	{0, "split", "train|valid|test|ood|pretrain", OPT_WORD, &split, 0, 0,
	 "part of all problems, disjoint from the others (without it: train; with --demos "
	 "pretrain)"},
	{0, "style", "short|words", OPT_WORD, &style, 0, 0, "prompts as symbols or in English"},
	{0, "demos", NULL, OPT_FLAG, &demos, 0, 0, "write a trajectory stream of right solutions"},
	{0, "min-numbers", "N", OPT_INT, &min_numbers, 0, 16, "fewest numbers (0: as the split)"},
	{0, "max-numbers", "N", OPT_INT, &max_numbers, 0, 16, "most numbers (0: as the split)"},
	{0, "max-value", "N", OPT_INT, &max_value, 0, 9999, "largest number (0: as the split)"},
	{0, "min-large", "N", OPT_INT, &min_large, 0, 16,
	 "numbers above 9, at least (0: as the split)"},
	{0, "min-target", "N", OPT_INT, &min_target, -1e6, 1e6, "least target (0: as the split)"},
	{0, "max-target", "N", OPT_INT, &max_target, -1e6, 1e6, "largest target (0: as the split)"},
	{0, "list", NULL, OPT_FLAG, &list, 0, 0, "name the kinds and end"},
	{0}};
static const struct tool tool = {"task-gen", "KIND", "Procedural problems with verifiable answers.",
				 opts};

static void put_field(struct buf *b, const char *name, const struct buf *v)
{
	buf_printf(b, ",\"%s\":", name);
	json_string_to(b, v->p, v->n);
}

static void put_task(struct out *o, const struct kind *k, const struct problem *p)
{
	static struct buf b; /* reused */

	buf_reset(&b);
	buf_printf(&b, "{\"id\":\"%s:%.*s\"", k->name, (int)p->key.n, p->key.p);
	put_field(&b, "prompt", &p->prompt);
	put_field(&b, "answer", &p->answer);
	buf_printf(&b, ",\"verifier\":\"%s\"", k->name);
	if (p->meta.n) {
		buf_str(&b, ",\"meta\":");
		mpjson_from(&b, (struct mp){(const uint8_t *)p->meta.p, p->meta.n});
	}
	buf_str(&b, "}\n");
	out_write(o, b.p, b.n);
}

static struct span span_of(const struct buf *b)
{
	return (struct span){b->p, b->n};
}

static void put_demo(struct rec_out *w, const struct kind *k, const struct problem *p)
{
	static struct buf id; /* reused */
	struct traj t;

	buf_reset(&id);
	buf_printf(&id, "%s:%.*s", k->name, (int)p->key.n, p->key.p);
	traj_clear(&t);
	t.task = span_of(&id);
	t.prompt = span_of(&p->prompt);
	t.response = span_of(&p->solution);
	t.answer = span_of(&p->answer);
	t.verifier = (struct span){k->name, strlen(k->name)};
	if (p->meta.n)
		t.meta = (struct mp){(const uint8_t *)p->meta.p, p->meta.n};
	t.reward = 1;
	t.verdict = (struct span){"ok", 2};
	t.finish = (struct span){"stop", 4};
	traj_write(w, &t);
}

static int exhausted(const struct kind *k, const struct gen_opts *o, int64_t found)
{
	msg_error("%s: only %lld different %s found in split %s with these parameters, %lld asked "
		  "for",
		  k->name, (long long)found, demos ? "solutions" : "problems", split_name[o->split],
		  (long long)count);
	return ST_INPUT;
}

static int generate(const struct gen_opts *o)
{
	struct gen *g = gen_open(o);
	struct problem p = {0};
	struct rec_out w;
	int64_t i = 0;
	int st = 0;

	rec_out_init(&w, out_stdout(), (uint64_t)seed);
	for (; i < count && !out_stdout()->err && gen_next(g, &p); i++) {
		if (demos)
			put_demo(&w, o->kind, &p);
		else
			put_task(out_stdout(), o->kind, &p);
	}
	if (i < count && !out_stdout()->err)
		st = exhausted(o->kind, o, i);
	else if (demos)
		rec_finish(&w);
	rec_out_free(&w);
	gen_problem_free(&p);
	gen_close(g);
	return st;
}

static int list_kinds(void)
{
	for (const struct kind *const *k = gen_kinds(); *k; k++)
		out_printf(out_stdout(), "%-12s %s\n", (*k)->name, (*k)->purpose);
	return 0;
}

static struct gen_opts options(const char *kind)
{
	struct gen_opts o = {.kind = gen_kind((struct span){kind, strlen(kind)}),
			     .split = demos ? SPLIT_PRETRAIN : SPLIT_TRAIN,
			     .seed = (uint64_t)seed,
			     .words = strcmp(style, "words") == 0,
			     .solutions = demos};

	for (int s = 0; split && s < N_SPLITS; s++)
		if (strcmp(split, split_name[s]) == 0)
			o.split = (enum split)s;
	o.over = (struct gen_part){.min_numbers = (int)min_numbers,
				   .max_numbers = (int)max_numbers,
				   .max_value = (int)max_value,
				   .min_large = (int)min_large,
				   .min_target = (int)min_target,
				   .max_target = (int)max_target};
	return o;
}

int main(int argc, char *argv[])
{
	int i = tool_start(&tool, argc, argv);
	struct gen_opts o;

	if (list)
		return tool_finish(list_kinds());
	if (argc - i != 1)
		return tool_usage("one kind is needed");
	o = options(argv[i]);
	if (!o.kind)
		return tool_usage("%s: no such kind (task-gen --list names them)", argv[i]);
	if (max_numbers && min_numbers > max_numbers)
		return tool_usage("--min-numbers is larger than --max-numbers");
	if (max_target && min_target > max_target)
		return tool_usage("--min-target is larger than --max-target");
	if (demos && isatty(STDOUT_FILENO))
		return tool_usage("--demos: binary is not written to a terminal");
	return tool_finish(generate(&o));
}
