/* sharegpt.c - rows of conversations, as LLaMA-Factory has them: who speaks is human, gpt,
 * function_call or observation, and a system prompt stands beside them. */
#include "convert/fromrow.h"
#include "convert/to.h"
#include "base/json.h"

#include <string.h>

static const struct {
	const char *from, *role;
} speakers[] = {{"human", "user"},         {"gpt", "assistant"},           {"system", "system"},
		{"observation", "tool"},   {"function_call", "assistant"}, {"user", "user"},
		{"assistant", "assistant"}};
enum { N_SPEAKERS = sizeof speakers / sizeof *speakers };

static bool looks(struct tape_val row)
{
	return tape_type(tape_get(row, "conversations")) == TAPE_ARRAY;
}

static const char *role_of(struct tape_val turn)
{
	for (int i = 0; i < N_SPEAKERS; i++)
		if (tape_is(tape_get(turn, "from"), speakers[i].from))
			return speakers[i].role;
	return NULL;
}

/* All turns but the last n as messages; false: someone else speaks. */
static bool put_turns(struct buf *b, struct tape_val row, uint32_t n)
{
	struct tape_iter it = tape_walk(tape_get(row, "conversations"));
	struct span s = from_maybe(row, "system");
	struct tape_val none, turn;

	if (s.n)
		from_turn(b, "system", s);
	while (it.left > n && tape_next(&it, &none, &turn)) {
		if (!role_of(turn) || !tape_text(tape_get(turn, "value"), &s))
			return false;
		from_turn(b, role_of(turn), s);
	}
	return true;
}

static int read_prompt(struct from *f, struct sample *s, struct tape_val row)
{
	struct buf b = {0};
	int st = put_turns(&b, row, 1) ? from_turns(f, s, &b)
				       : from_bad(f, "conversations",
						  "a turn without from and value that are known");

	buf_free(&b);
	return st;
}

static int sharegpt_read(struct from *f, struct tape_val row)
{
	static const char *const used[] = {"conversations", "system", NULL};
	struct tape_val list = tape_get(row, "conversations"), last;
	struct sample s;
	int st;

	if (!looks(row) || !tape_count(list))
		return from_bad(f, "conversations", "missing");
	last = tape_at(list, tape_count(list) - 1);
	if (!tape_is(tape_get(last, "from"), "gpt") &&
	    !tape_is(tape_get(last, "from"), "assistant")) {
		from_skipped(f, "conversations that do not end in an answer");
		return 0;
	}
	from_sample(&s);
	st = from_text(f, last, "value", &s.t.response);
	if (!st)
		st = read_prompt(f, &s, row);
	if (!st)
		st = from_reward(f, row, &s.t.reward);
	if (!st) {
		from_rest(f, &s, row, used);
		st = from_put(f, &s);
	}
	from_sample_free(f, &s);
	return st;
}

static void put_turn(struct to *t, const char *from, struct span s, bool first)
{
	buf_str(&t->line, first ? "{\"from\": \"" : ", {\"from\": \"");
	buf_str(&t->line, from);
	buf_str(&t->line, "\", \"value\": ");
	json_string_to(&t->line, s.p, s.n);
	buf_char(&t->line, '}');
}

/* Of a prompt of messages; its system prompt is left to the caller. */
static bool put_messages(struct to *t, struct tape_val list, struct span *system)
{
	struct tape_iter it = tape_walk(list);
	struct tape_val none, m;
	struct span s;
	bool first = true;

	while (tape_next(&it, &none, &m)) {
		int i = 0;

		while (i < N_SPEAKERS && !tape_is(tape_get(m, "role"), speakers[i].role))
			i++;
		if (i == N_SPEAKERS || !tape_text(tape_get(m, "content"), &s) ||
		    !tape_none(tape_get(m, "tool_calls")))
			return false;
		if (first && !system->p && i == 2) {
			*system = s;
			continue;
		}
		put_turn(t, speakers[i].from, s, first);
		first = false;
	}
	return !first;
}

static bool put_conversation(struct to *t, const struct traj *r)
{
	struct span system = {0};

	to_key(t, "conversations");
	buf_char(&t->line, '[');
	if (tape_none(t->chat))
		put_turn(t, "human", r->prompt, true);
	else if (!put_messages(t, t->chat, &system))
		return false;
	put_turn(t, "gpt", r->response, false);
	buf_char(&t->line, ']');
	to_text(t, "system", system);
	return true;
}

static int sharegpt_write(struct to *t, const struct traj *r)
{
	to_open(t);
	if (put_conversation(t, r))
		to_close(t, r);
	else
		to_skipped(t, "prompts whose messages are not those of turns");
	return 0;
}

const struct format sharegpt_format = {
	.name = "sharegpt",
	.what = "rows of conversations (LLaMA-Factory)",
	.looks = looks,
	.read = sharegpt_read,
	.write = sharegpt_write,
	.holds = " prompt response ",
	.changes = " prompt ",
};
