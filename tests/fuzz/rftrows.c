/* rftrows.c - any bytes as rows to fine-tune on: what is added is in the vocabulary and has a token
 * to learn behind a prompt, and is the same when the file is read again. */
#include "common/fuzz.h"

#include "base/rows.h"
#include "learn/rftrows.h"

#include <math.h>

const struct fuzz_memory fuzz_memory = {4 << 20, 4000, FUZZ_ZSTD};

static const char template[] =
	"{% for m in messages %}{{ m.role[0] + ':' }}{% if m.role == 'assistant' and loop.last %}"
	"{{ m.content }}{% else %}{{ m.content.split('</t>')[-1] }}{% endif %}{{ '<eos>' }}"
	"{% endfor %}{% if add_generation_prompt %}{{ 'a:' }}{% endif %}";

static struct policy *tiny(void)
{
	static struct policy p;
	struct config cfg = {.d = 16,
			     .layers = 1,
			     .heads = 2,
			     .kv_heads = 1,
			     .head_dim = 8,
			     .ffn = 24,
			     .max_len = 200,
			     .norm_eps = 1e-5,
			     .rope = {.theta = 10000},
			     .tied = true,
			     .bos = -1};
	struct buf json = {0};
	char all[97];

	if (p.tok)
		return &p;
	for (int c = ' '; c <= '~'; c++)
		all[c - ' '] = (char)c;
	all[95] = '\n';
	all[96] = '\0';
	MUST(chars_make(all, &json, NULL) == 0);
	MUST(policy_make(&p, &cfg, &json, 1, 0.1, NULL) == 0);
	buf_str(&p.chat_template, template);
	buf_free(&json);
	return &p;
}

static int read_all(struct rft_data *d, const char *path, bool all, struct reason *why)
{
	struct rftrows_opts o = {.all = all};
	struct in in;

	MUST(in_open(&in, path, why) == 0);
	return rftrows_read(d, &in, &o, why);
}

static void check(const struct rft_data *d)
{
	const struct policy *p = d->policy;

	for (size_t i = 0; i < d->n; i++) {
		const struct rft_row *r = &d->row[i];

		MUST(r->n_prompt >= 1 && r->n_learn >= 1 && r->n_learn <= r->n_resp);
		MUST(r->n_prompt + r->n_resp <= (uint64_t)p->cfg.max_len);
		MUST(r->own >= 0 && isfinite(r->own));
	}
	for (size_t i = 0; i < d->n_tok; i++)
		MUST(d->tok[i] < (uint64_t)p->cfg.vocab);
}

void fuzz_one(const uint8_t *p, size_t n)
{
	const char *path = fuzz_file(0, p, n);
	struct rft_opts o = RFT_OPTS_DEFAULT;

	for (int how = 0; how < 3; how++) { /* the last: rows have weights of their own */
		struct rft_data d, again;
		struct reason why = {0}, other = {0};
		bool all = how > 0;
		int st;

		o.weight_key = how == 2 ? "meta.w" : NULL;
		rft_data_init(&d, tiny(), &o);
		rft_data_init(&again, tiny(), &o);
		st = read_all(&d, path, all, &why);
		MUST(st == 0 || (st == ST_INPUT && why.text[0]));
		check(&d);
		MUST(read_all(&again, path, all, &other) == st);
		MUST(rft_data_hash(&d) == rft_data_hash(&again));
		rft_data_free(&d);
		rft_data_free(&again);
	}
}
