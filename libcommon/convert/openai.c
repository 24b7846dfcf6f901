/* openai.c - answers of chat/completions and completions, a body a line: what curl leaves. */
#include "convert/choice.h"

static bool looks(struct tape_val row)
{
	return (choice_is_answer(row) && !choice_says_ids(row)) ||
	       (choice_is_error(row) && tape_none(tape_get(row, "custom_id")) &&
		tape_none(tape_get(row, "input")) && tape_none(tape_get(row, "response")) &&
		tape_none(tape_get(row, "content")));
}

const struct format openai_format = {
	.name = "openai",
	.what = "answers of OpenAI's chat and text completions, a body a line",
	.looks = looks,
	.read = choice_read,
};
