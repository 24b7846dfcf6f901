/* workspace.c - the memory of a micro-batch, sized and cut. See workspace.h. */
#include "model/workspace.h"
#include "base/mem.h"
#include "base/par.h"
#include "model/mat.h"
#include "model/mix.h"
#include "tensor/attention.h"

#include <assert.h>
#include <stdlib.h>

enum { LOGITS_MAX = 32 * 1024 * 1024 }; /* floats of logits held at once */

struct workspace *workspace_new(const struct model *m)
{
	struct workspace *r = xcalloc(1, sizeof *r);

	assert(m && m->cfg.layers >= 1);
	r->m = m;
	return r;
}

void workspace_recompute(struct workspace *r, bool on)
{
	assert(!r->mem);
	r->recompute = on;
}

void workspace_free(struct workspace *r)
{
	if (!r)
		return;
	big_free(r->mem, r->cap_mem * sizeof *r->mem);
	big_free(r->scratch, r->cap_scratch * sizeof *r->scratch);
	free(r->stat);
	free(r->pos);
	free(r->seq);
	free(r);
}

float *workspace_scratch(struct workspace *r, int thread)
{
	assert(thread >= 0 && thread < par_threads());
	assert(((size_t)thread + 1) * r->per_thread <= r->cap_scratch);
	return r->scratch + (size_t)thread * r->per_thread;
}

void workspace_wgrads(struct workspace *r, const struct wgrad *w, size_t n)
{
	struct wgrad_room room = {r->scratch, r->per_thread, NULL};

	if (r->m->how & MODEL_BF16)
		room.shared = (uint32_t *)r->wgrad;
	wgrad_all(w, n, &room);
}

static void grow(float **mem, size_t *cap, size_t need)
{
	if (need <= *cap)
		return;
	big_free(*mem, *cap * sizeof **mem);
	*mem = big_alloc(need * sizeof **mem);
	*cap = need;
}

static void cut_field(float **field, float *base, size_t *at, size_t n)
{
	*field = base ? base + *at : NULL;
	*at += vec_round(n) + PANEL; /* whole vectors may be read past the end of a row */
}

/* The same for n norms' */
static void cut_stats(struct norm_stat **field, float *base, size_t *at, size_t n)
{
	float *p;

	cut_field(&p, base, at, n * sizeof **field / sizeof *p);
	*field = (struct norm_stat *)p;
}

static size_t most_of(const struct model *m, size_t (*row)(const struct model *, size_t))
{
	size_t most = 0;

	for (size_t l = 0; l < (size_t)m->cfg.layers; l++)
		most = row(m, l) > most ? row(m, l) : most;
	return most;
}

static size_t gated_row(const struct model *m, size_t layer)
{
	return mix_gated(m, layer) ? block_att_dim(m, layer) : 0;
}

static size_t conv_row(const struct model *m, size_t layer)
{
	return mix_state(m, layer) ? mix_shape(m, layer).n : 0;
}

/* Cuts base into the fields; with base NULL only counts. Returns the floats needed. */
static size_t lay_out(struct workspace *r, float *base, const struct pack *p)
{
	const struct model *m = r->m;
	size_t T = p->n_tok, R = p->n_rows, d = (size_t)m->cfg.d, F = (size_t)m->cfg.ffn;
	size_t Q = block_qkv_most(m), A = block_att_most(m), L = r->L, at = 0;
	size_t back = r->keep ? 1 : 0, out = block_norms_out(m) ? back : 0;
	size_t ends = block_adds_plain(m) ? 0 : back, one = m->cfg.parallel ? back : 0;
	size_t act = m->layer[0].act != NOWHERE ? back : 0;
	size_t X = r->keep ? (size_t)m->cfg.layers + 1 : 1, norms = m->cfg.qk_norm ? back : 0,
	       lora = m->lora ? m->lora->width : 0;

	cut_field(&r->x, base, &at, X * T * d);
	cut_field(&r->qkv, base, &at, L * T * Q);
	cut_field(&r->raw, base, &at, norms * L * T * block_qk_dim(m));
	cut_field(&r->att, base, &at, L * T * A);
	cut_field(&r->x2, base, &at, L * T * d);
	cut_field(&r->gu, base, &at, L * T * block_up_dim(m));
	cut_field(&r->o_out, base, &at, out * L * T * d);
	cut_field(&r->down_out, base, &at, out * L * T * d);
	cut_field(&r->xr, base, &at, R * d);
	cut_field(&r->mixed, base, &at, T * most_of(m, mix_row));
	cut_field(&r->xrn, base, &at, R * d);
	cut_field(&r->logits, base, &at, r->chunk * (size_t)m->cfg.vocab);
	cut_field(&r->dx, base, &at, back * T * d);
	cut_field(&r->dx2, base, &at, back * T * d);
	cut_field(&r->ddown, base, &at, ends * T * d);
	cut_field(&r->do_out, base, &at, ends * T * d);
	cut_field(&r->dn, base, &at, one * T * d);
	cut_field(&r->xn, base, &at, back * T * d);
	cut_field(&r->dxn, base, &at, back * (T > R ? T : R) * d);
	cut_field(&r->h, base, &at, back * T * F);
	cut_field(&r->datt, base, &at, back * T * A);
	cut_field(&r->dqkv, base, &at, back * T * Q);
	cut_stats(&r->norm, base, &at, back * (T > R ? T : R));
	cut_stats(&r->o_norm, base, &at, out * T);
	cut_stats(&r->down_norm, base, &at, out * T);
	cut_field(&r->lu, base, &at, back * T * lora);
	cut_field(&r->lv, base, &at, back * T * lora);
	cut_field(&r->gated, base, &at, most_of(m, gated_row) * back * T);
	cut_field(&r->dmixed, base, &at, most_of(m, mix_drow) * back * T);
	cut_field(&r->dpre, base, &at, most_of(m, mix_row) * back * T);
	cut_field(&r->dconv, base, &at, most_of(m, conv_row) * back * T);
	cut_field(&r->mix_grad, base, &at,
		  back * workspace_blocks(T, WORKSPACE_ROWS) * block_mix_weights(m));
	cut_field(&r->transposed, base, &at, back * mat_layer_words(m));
	cut_field(&r->wgrad, base, &at, back * wgrad_shared(m, T > R ? T : R));
	cut_field(&r->qk_grad, base, &at,
		  norms * workspace_blocks(T, WORKSPACE_ROWS) * block_qk_weights(m));
	cut_field(&r->act_grad, base, &at, act * workspace_blocks(T, WORKSPACE_ROWS) * 2);
	return at;
}

static size_t max2(size_t a, size_t b)
{
	return a > b ? a : b;
}

static size_t min2(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t scratch_floats(const struct workspace *r, const struct pack *p)
{
	const struct config *c = &r->m->cfg;
	size_t hd = (size_t)c->head_dim, T = r->longest;
	bool half = block_half(r->m);
	size_t rows = block_scratch(r->m, max2(r->rows, r->head_rows)), back = 0;
	size_t att = att_keys_size(T, hd, half) + att_values_size(T, hd, half) +
		     att_scratch(att_block_rows(half), T, hd, half);

	att = max2(att, mix_pass_scratch(r->m, T, r->keep));
	if (r->keep)
		back = max2(att_backward_scratch(T, hd, half),
			    wgrad_scratch(r->m, max2(p->n_tok, p->n_rows)));
	return max2(max2(rows, 2 * block_qkv_most(r->m)), max2(att, back)) + PANEL;
}

/* Rows of a job in bf16, of T: many, so that weights are read from memory seldom, unless threads
 * would wait for each other an eighth of the time. */
static size_t rows_of_job(size_t T)
{
	size_t best = 4 * WORKSPACE_ROWS, least = SIZE_MAX / 8;

	for (size_t rows = best; rows >= WORKSPACE_ROWS; rows /= 2) {
		size_t jobs = workspace_blocks(T, rows);
		size_t time = workspace_blocks(jobs, (size_t)par_threads()) * rows;

		if (8 * time < 7 * least) {
			best = rows;
			least = time;
		}
	}
	return best;
}

/* What the sizes depend on besides the pack */
static void choose(struct workspace *r, const struct model *m, const struct pack *p, bool keep)
{
	size_t v = (size_t)m->cfg.vocab, most = LOGITS_MAX / v / WORKSPACE_CHUNK * WORKSPACE_CHUNK;
	size_t share;

	r->m = m;
	r->keep = keep;
	r->L = keep && !r->recompute ? (size_t)m->cfg.layers : 1;
	r->chunk = min2(max2(p->n_rows, 1), max2(most, WORKSPACE_CHUNK));
	r->rows = m->how & MODEL_BF16 ? rows_of_job(p->n_tok) : WORKSPACE_ROWS;
	share = workspace_blocks(r->chunk, (size_t)par_threads() * WORKSPACE_ROWS) * WORKSPACE_ROWS;
	r->head_rows = m->how & MODEL_BF16 ? min2(share, WORKSPACE_HEAD_ROWS) : WORKSPACE_ROWS;
}

size_t workspace_bytes(const struct workspace *r, size_t n_tok, size_t n_rows, size_t longest,
		       bool keep)
{
	struct workspace s = {.recompute = r->recompute, .longest = longest};
	struct pack p = {.n_tok = n_tok, .n_rows = n_rows};

	choose(&s, r->m, &p, keep);
	return (lay_out(&s, NULL, &p) + (size_t)par_threads() * scratch_floats(&s, &p)) *
		       sizeof(float) +
	       n_rows * sizeof *r->stat + n_tok * (sizeof *r->pos + sizeof *r->seq);
}

size_t workspace_prefix(const struct pack *p, size_t s, size_t *start)
{
	size_t of = p->prefix ? p->prefix[s] : s;

	assert(s < p->n_seq);
	assert(of <= s && (!p->prefix || p->prefix[of] == of) /* it has none itself */);
	*start = p->start[of];
	return of == s ? 0 : p->start[of + 1] - p->start[of];
}

size_t workspace_family(const struct pack *p, size_t s)
{
	size_t n = 1;

	assert(s < p->n_seq);
	if (p->prefix && p->prefix[s] != s)
		return 0;
	while (p->prefix && s + n < p->n_seq && p->prefix[s + n] == s)
		n++;
	return n;
}

void workspace_prepare(struct workspace *r, const struct model *m, const struct pack *p, bool keep)
{
	assert(p->start[0] == 0 && p->start[p->n_seq] == p->n_tok);
	assert(p->n_tok >= 1);
	r->p = p;
	choose(r, m, p, keep);
	grow(&r->mem, &r->cap_mem, lay_out(r, NULL, p));
	lay_out(r, r->mem, p);
	if (p->n_rows > r->cap_rows) {
		r->cap_rows = p->n_rows;
		r->stat = xgrow(r->stat, r->cap_rows, sizeof *r->stat);
	}
	if (p->n_tok > r->cap_pos) {
		r->cap_pos = p->n_tok;
		r->pos = xgrow(r->pos, r->cap_pos, sizeof *r->pos);
		r->seq = xgrow(r->seq, r->cap_pos, sizeof *r->seq);
	}
	r->longest = 0;
	for (size_t s = 0, from; s < p->n_seq; s++) {
		size_t before = workspace_prefix(p, s, &from), n = p->start[s + 1] - p->start[s];

		assert(before + n >= 1 && before + n <= (size_t)m->cfg.max_len);
		r->longest = max2(r->longest, before + n);
		for (size_t t = 0; t < n; t++) {
			r->pos[p->start[s] + t] = (uint32_t)(before + t);
			r->seq[p->start[s] + t] = (uint32_t)s;
		}
	}
	r->per_thread = scratch_floats(r, p);
	grow(&r->scratch, &r->cap_scratch, (size_t)par_threads() * r->per_thread);
}
