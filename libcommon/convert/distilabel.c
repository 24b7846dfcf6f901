/* distilabel.c - distilabel's rows: instruction, generation (or several, or none), columns of one's
 * own. What its steps note about themselves stays behind. */
#include "convert/fromrow.h"

static bool looks(struct tape_val row)
{
	return !tape_none(tape_get(row, "instruction")) &&
	       tape_type(tape_get(row, "generation")) != TAPE_NONE;
}

static int put_one(struct from *f, struct tape_val row, struct tape_val generation, int64_t number)
{
	static const char *const used[] = {"instruction", "generation", "distilabel_metadata",
					   NULL};
	struct sample s;
	int st;

	from_sample(&s);
	s.t.sample = number;
	if (tape_none(generation)) {
		from_skipped(f, "rows without a generation");
		return 0;
	}
	st = from_prompt(f, &s, tape_get(row, "instruction"), "instruction");
	if (!st && !tape_text(generation, &s.t.response))
		st = from_bad(f, "generation", "not a string");
	if (!st)
		st = from_reward(f, row, &s.t.reward);
	if (!st) {
		from_rest(f, &s, row, used);
		st = from_put(f, &s);
	}
	from_sample_free(f, &s);
	return st;
}

static int distilabel_read(struct from *f, struct tape_val row)
{
	struct tape_val v = tape_get(row, "generation"), none, one;
	struct tape_iter it = tape_walk(v);
	int st = 0;

	if (tape_type(v) == TAPE_NONE)
		return from_bad(f, "generation", "missing");
	if (tape_type(v) != TAPE_ARRAY)
		return put_one(f, row, v, -1);
	for (int64_t i = 0; !st && tape_next(&it, &none, &one); i++)
		st = put_one(f, row, one, i);
	return st;
}

const struct format distilabel_format = {
	.name = "distilabel",
	.what = "distilabel's rows of instruction and generation",
	.looks = looks,
	.read = distilabel_read,
};
