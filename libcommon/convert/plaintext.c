/* plaintext.c - rows of text alone, which a trainer learns as a whole: a response without a prompt.
 */
#include "convert/fromrow.h"
#include "convert/to.h"

static bool looks(struct tape_val row)
{
	return tape_type(tape_get(row, "text")) == TAPE_TEXT &&
	       tape_none(tape_get(row, "meta_info")) && tape_none(tape_get(row, "prompt"));
}

static int plaintext_read(struct from *f, struct tape_val row)
{
	static const char *const used[] = {"text", NULL};
	struct sample s;
	int st;

	from_sample(&s);
	st = from_text(f, row, "text", &s.t.response);
	s.t.prompt = (struct span){"", 0};
	if (!st)
		st = from_reward(f, row, &s.t.reward);
	if (!st) {
		from_rest(f, &s, row, used);
		st = from_put(f, &s);
	}
	from_sample_free(f, &s);
	return st;
}

/* Prompt and response as one */
static int plaintext_write(struct to *t, const struct traj *r)
{
	struct buf both = {0};

	if (!tape_none(t->chat)) {
		to_skipped(t, "prompts of messages");
		return 0;
	}
	buf_add(&both, r->prompt.p, r->prompt.n);
	buf_add(&both, r->response.p, r->response.n);
	to_open(t);
	to_text(t, "text", (struct span){both.p ? both.p : "", both.n});
	to_close(t, r);
	buf_free(&both);
	return 0;
}

const struct format plaintext_format = {
	.name = "text",
	.what = "rows of text, prompt and response in one",
	.looks = looks,
	.read = plaintext_read,
	.write = plaintext_write,
	.holds = " prompt response ",
	.changes = " prompt response ",
};
