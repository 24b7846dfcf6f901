/* alpaca.c - rows of instruction, input and output, as LLaMA-Factory has them: with a system prompt
 * or earlier turns they are messages, else the input stands below the instruction. */
#include "convert/fromrow.h"
#include "convert/to.h"
#include "base/json.h"

#include <string.h>

static bool looks(struct tape_val row)
{
	return !tape_none(tape_get(row, "instruction")) &&
	       tape_type(tape_get(row, "output")) == TAPE_TEXT;
}

/* Earlier turns and the system prompt; true: there are some */
static bool earlier(struct buf *b, struct tape_val row)
{
	struct tape_iter it = tape_walk(tape_get(row, "history"));
	struct span system = from_maybe(row, "system"), s = {0};
	struct tape_val none, pair;

	if (system.n)
		from_turn(b, "system", system);
	while (tape_next(&it, &none, &pair)) {
		tape_text(tape_at(pair, 0), &s);
		from_turn(b, "user", s);
		tape_text(tape_at(pair, 1), &s);
		from_turn(b, "assistant", s);
	}
	return b->n;
}

static int read_prompt(struct from *f, struct sample *s, struct tape_val row)
{
	struct span ask = {0}, input = from_maybe(row, "input");
	struct buf b = {0};
	int st = from_text(f, row, "instruction", &ask);

	if (st)
		return st;
	if (input.n) {
		buf_add(&b, ask.p, ask.n);
		buf_char(&b, '\n');
		buf_add(&b, input.p, input.n);
		ask = from_copy(f, b.p, b.n);
		buf_reset(&b);
	}
	s->t.prompt = ask;
	if (earlier(&b, row)) {
		from_turn(&b, "user", ask);
		st = from_turns(f, s, &b);
	}
	buf_free(&b);
	return st;
}

static int alpaca_read(struct from *f, struct tape_val row)
{
	static const char *const used[] = {"instruction", "input",   "output",
					   "system",      "history", NULL};
	struct sample s;
	int st;

	from_sample(&s);
	st = read_prompt(f, &s, row);
	if (!st && tape_none(tape_get(row, "output")) && !tape_none(tape_get(row, "chosen"))) {
		from_skipped(f, "rows of preferences: --from dpo reads them");
		return 0;
	}
	if (!st)
		st = from_text(f, row, "output", &s.t.response);
	if (!st)
		st = from_reward(f, row, &s.t.reward);
	if (!st) {
		from_rest(f, &s, row, used);
		st = from_put(f, &s);
	}
	from_sample_free(f, &s);
	return st;
}

/* The messages of a prompt: system, pairs of turns, the last question; false: others. */
static bool put_chat(struct to *t, struct tape_val list)
{
	uint32_t n = tape_count(list), i = 0;
	struct span s = {0};

	if (tape_is(tape_get(tape_at(list, 0), "role"), "system"))
		i = 1;
	if ((n - i) % 2 != 1)
		return false;
	for (uint32_t k = i; k < n; k++)
		if (!tape_is(tape_get(tape_at(list, k), "role"),
			     (k - i) % 2 ? "assistant" : "user") ||
		    !tape_text(tape_get(tape_at(list, k), "content"), &s))
			return false;
	to_text(t, "instruction", s);
	to_word(t, "input", "");
	if (i && tape_text(tape_get(tape_at(list, 0), "content"), &s))
		to_text(t, "system", s);
	if (n - i == 1)
		return true;
	to_key(t, "history");
	for (uint32_t k = i; k + 1 < n; k++) {
		tape_text(tape_get(tape_at(list, k), "content"), &s);
		buf_str(&t->line, (k - i) % 2 ? ", " : k > i ? "], [" : "[[");
		json_string_to(&t->line, s.p, s.n);
	}
	buf_str(&t->line, "]]");
	return true;
}

static int alpaca_write(struct to *t, const struct traj *r)
{
	to_open(t);
	if (tape_none(t->chat)) {
		to_text(t, "instruction", r->prompt);
		to_word(t, "input", "");
	} else if (!put_chat(t, t->chat)) {
		to_skipped(t, "prompts whose messages are not those of turns");
		return 0;
	}
	to_text(t, "output", r->response);
	to_close(t, r);
	return 0;
}

const struct format alpaca_format = {
	.name = "alpaca",
	.what = "rows of instruction, input and output (LLaMA-Factory)",
	.looks = looks,
	.read = alpaca_read,
	.write = alpaca_write,
	.holds = " prompt response ",
	.changes = " prompt ",
};
