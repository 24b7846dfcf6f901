/*
 * config.c - any text as config.json, and what follows a NUL as generation_config.json: a shape
 * that is accepted keeps its rules, and is the same when it is written and read again.
 */
#include "common/fuzz.h"

#include "model/config.h"

#include <math.h>
#include <string.h>

const struct fuzz_memory fuzz_memory = {1 << 20, 1000, 0};

static void keeps_rules(const struct config *c)
{
	MUST(c->vocab >= 1 && c->d >= 1 && c->layers >= 1 && c->ffn >= 1 && c->max_len >= 1);
	MUST(c->kv_heads >= 1 && c->heads % c->kv_heads == 0);
	MUST(c->head_dim >= 2 && c->head_dim % 2 == 0);
	MUST(c->norm_eps > 0 && isfinite(c->rope.theta) && c->rope.theta >= 1);
	MUST(c->bos >= -1 && c->bos < c->vocab && c->n_eos <= CONFIG_MAX_EOS);
	for (size_t i = 0; i < c->n_eos; i++)
		MUST(c->eos[i] < c->vocab && config_is_eos(c, c->eos[i]));
	MUST(rope_turned(&c->rope, c->head_dim) >= 2 && c->kinds.n == (size_t)c->layers);
	MUST(c->window >= 0 && c->attention_scale >= 0 && c->attention_cap >= 0 &&
	     c->logit_cap >= 0);
	MUST(config_params(c) >= (uint64_t)(c->vocab * c->d));
}

static void same(const struct config *a, const struct config *b)
{
	MUST(a->family == b->family && a->vocab == b->vocab && a->d == b->d);
	MUST(a->layers == b->layers && a->heads == b->heads && a->kv_heads == b->kv_heads);
	MUST(a->head_dim == b->head_dim && a->ffn == b->ffn && a->max_len == b->max_len);
	MUST(a->norm_eps == b->norm_eps && a->rope.theta == b->rope.theta);
	MUST(a->tied == b->tied && a->qkv_bias == b->qkv_bias && a->o_bias == b->o_bias &&
	     a->mlp_bias == b->mlp_bias && a->qk_norm == b->qk_norm);
	MUST(a->window == b->window && a->parallel == b->parallel);
	MUST(a->kinds.n == b->kinds.n && !memcmp(a->kinds.p, b->kinds.p, a->kinds.n));
	MUST(a->bos == b->bos && a->n_eos == b->n_eos &&
	     !memcmp(a->eos, b->eos, a->n_eos * sizeof *a->eos));
}

void fuzz_one(const uint8_t *p, size_t n)
{
	struct span rest = {(const char *)p, n}, json = fuzz_cut(&rest, '\0');
	bool gen = json.n < n;
	struct reason why = {0};
	struct config c, back;
	struct buf text = {0};

	if (config_parse(&c, json.p, json.n, gen ? rest.p : NULL, rest.n, "in", &why)) {
		MUST(why.status == ST_INPUT && why.text[0]);
		return;
	}
	keeps_rules(&c);
	config_text(&c, "float32", &text);
	MUST(config_parse(&back, text.p, text.n, gen ? rest.p : NULL, rest.n, "out", &why) == 0);
	same(&c, &back);
	config_free(&back);
	config_free(&c);
	buf_free(&text);
}
