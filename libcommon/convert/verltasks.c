/* verltasks.c - verl's rows of problems, made of the problems of a stream: each once. */
#include "convert/to.h"
#include "base/mem.h"
#include "base/set.h"

#include <stdlib.h>

static void free_seen(void *own)
{
	set_free(own);
	free(own);
}

static bool is_new(struct to *t, struct span task)
{
	if (!t->own) {
		t->own = xcalloc(1, sizeof(struct set));
		t->free_own = free_seen;
	}
	return set_add(t->own, task.p, task.n);
}

static void put_truth(struct to *t, struct span answer)
{
	to_key(t, "reward_model");
	buf_str(&t->line, "{\"style\": \"rule\", ");
	t->more = false;
	if (answer.p)
		to_text(t, "ground_truth", answer);
	else
		to_null(t, "ground_truth");
	buf_char(&t->line, '}');
	t->more = true;
}

static int verltasks_write(struct to *t, const struct traj *r)
{
	if (!is_new(t, r->task))
		return 0;
	to_open(t);
	to_word(t, "data_source", "traj");
	to_messages(t, "prompt", r->prompt, (struct span){0});
	to_word(t, "ability", "");
	put_truth(t, r->answer);
	to_key(t, "extra_info");
	buf_str(&t->line, "{\"split\": \"train\", ");
	t->more = false;
	to_text(t, "index", r->task);
	buf_char(&t->line, '}');
	t->more = true;
	to_close(t, r);
	return 0;
}

const struct format verltasks_format = {
	.name = "verl-tasks",
	.what = "verl's rows of problems: prompt, reward_model, extra_info",
	.write = verltasks_write,
	.holds = " task prompt answer ",
};
