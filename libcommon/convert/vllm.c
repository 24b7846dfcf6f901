/* vllm.c - answers of vLLM with token ids: completions, chat, and /inference/v1/generate. */
#include "convert/choice.h"

static bool looks(struct tape_val row)
{
	return choice_is_answer(row) && choice_says_ids(row);
}

const struct format vllm_format = {
	.name = "vllm",
	.what = "answers of vLLM with token ids, those of /inference/v1/generate too",
	.looks = looks,
	.read = choice_read,
};
