/* formats.c - the table of formats. See formats.h. */
#include "convert/formats.h"
#include "base/buf.h"

#include <string.h>

extern const struct format verl_format, verltasks_format, openinstruct_format, trl_format,
	completion_format, messages_format, inputids_format, dpo_format, alpaca_format,
	sharegpt_format, lmeval_format, humaneval_format, evalplus_format, batch_format,
	openai_format, vllm_format, sglang_format, llama_format, verifiers_format, nemo_format,
	skyrl_format, areal_format, slime_format, distilabel_format, atif_format, plaintext_format;

static const struct format *const formats[] = {
	&verl_format,       &verltasks_format, &openinstruct_format, &trl_format,
	&completion_format, &messages_format,  &inputids_format,     &dpo_format,
	&alpaca_format,     &sharegpt_format,  &lmeval_format,       &humaneval_format,
	&evalplus_format,   &batch_format,     &openai_format,       &vllm_format,
	&sglang_format,     &llama_format,     &verifiers_format,    &nemo_format,
	&skyrl_format,      &areal_format,     &slime_format,        &distilabel_format,
	&atif_format,       &plaintext_format,
};
enum { N_FORMATS = sizeof formats / sizeof *formats };

const struct format *formats_at(size_t i)
{
	return i < N_FORMATS ? formats[i] : NULL;
}

const struct format *formats_find(const char *name)
{
	for (size_t i = 0; i < N_FORMATS; i++)
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	return NULL;
}

static int no_format(struct tape_val row, struct reason *why)
{
	struct tape_iter it = tape_walk(row);
	struct tape_val key, v;
	struct buf b = {0};
	struct span s;

	for (int i = 0; i < 12 && tape_next(&it, &key, &v) && tape_text(key, &s); i++)
		buf_printf(&b, "%s%.*s", i ? ", " : "", (int)(s.n < 40 ? s.n : 40), s.p);
	fail(why, ST_INPUT, "no format of --formats has rows with these keys: %s",
	     b.n ? buf_cstr(&b) : "none");
	buf_free(&b);
	return ST_INPUT;
}

int formats_tell(const struct format **which, struct tape_val row, struct reason *why)
{
	*which = NULL;
	for (size_t i = 0; i < N_FORMATS; i++) {
		if (!formats[i]->looks || !formats[i]->looks(row))
			continue;
		*which = *which ? *which : formats[i];
		if (*which != formats[i])
			return fail(why, ST_INPUT, "%s or %s: say which with --from",
				    (*which)->name, formats[i]->name);
	}
	return *which ? 0 : no_format(row, why);
}
