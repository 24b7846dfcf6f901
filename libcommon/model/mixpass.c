/* mixpass.c - layers without attention in the trainer. See mixpass.h. */
#include "model/mixpass.h"
#include "base/elem.h"
#include "base/par.h"
#include "model/mix.h"
#include "tensor/delta.h"
#include "tensor/layers.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { CHANNELS = 64 }; /* of a convolution's gradient that one job takes */

/* The token `back` before t in its sequence or the prefix of that; false: there is none */
static bool before(const struct workspace *r, size_t t, size_t back, size_t *at)
{
	const struct pack *p = r->p;
	size_t s = r->seq[t], start = p->start[s], of = p->prefix ? p->prefix[s] : s;

	if (back > r->pos[t])
		return false;
	*at = t - start >= back ? t - back : p->start[of + 1] - (back - (t - start));
	return true;
}

/* What the convolution takes for token t, oldest first. buf: (taps, n) */
static void inputs_of(const struct workspace *r, size_t t, const float **x, float *buf)
{
	struct mix_shape s = mix_shape(r->m, r->layer);
	size_t at;

	for (size_t j = 0; j < s.taps; j++)
		x[j] = before(r, t, s.taps - 1 - j, &at)
			       ? mix_input(r->m, r->layer, workspace_qkv(r, at), buf + j * s.n)
			       : NULL;
}

static bool is_delta(const struct workspace *r)
{
	return r->m->layer[r->layer].kind.mixer == MIXER_DELTA;
}

static float *mixed_at(const struct workspace *r, size_t t)
{
	return r->mixed + t * mix_row(r->m, r->layer);
}

/* Rows of the recurrence, or what comes out of a convolution alone */
static void job_rows(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	struct mix_shape s = mix_shape(r->m, r->layer);
	struct conv c = mix_conv(r->m, r->layer);
	float *y = workspace_scratch(r, thread), *buf = y + s.n;
	const float *x[CONV_MOST];
	size_t from, n;

	workspace_block(i, WORKSPACE_ROWS, r->p->n_tok, &from, &n);
	for (size_t t = from; t < from + n; t++) {
		inputs_of(r, t, x, buf);
		if (is_delta(r))
			mix_prepare(r->m, r->layer, mixed_at(r, t), y, x, workspace_qkv(r, t));
		else
			conv_forward(&c, workspace_att(r, t), x);
	}
}

/* One head's recurrence over the tokens of sequence q from the state S on; att NULL: only the state
 */
static void run_head(const struct workspace *r, size_t h, size_t q, float *S, bool out,
		     float *scratch)
{
	struct mix_shape s = mix_shape(r->m, r->layer);

	for (size_t t = r->p->start[q]; t < r->p->start[q + 1]; t++)
		mix_head(r->m, r->layer, h, S, out ? workspace_att(r, t) + h * s.nv : NULL,
			 mixed_at(r, t), scratch);
}

/* Job: a sequence without prefix and all that go on from it, one value head */
static void job_heads(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	struct mix_shape s = mix_shape(r->m, r->layer);
	size_t q = i / s.heads, h = i % s.heads, n = workspace_family(r->p, q), size = s.nk * s.nv;
	float *first = workspace_scratch(r, thread), *S = first + size, *scratch = S + size;

	if (!n)
		return; /* where its prefix is */
	memset(first, 0, size * sizeof *first);
	run_head(r, h, q, first, true, scratch);
	for (size_t k = q + 1; k < q + n; k++) {
		memcpy(S, first, size * sizeof *S);
		run_head(r, h, k, S, true, scratch);
	}
}

void mixpass_forward(struct workspace *r)
{
	par_for(workspace_blocks(r->p->n_tok, WORKSPACE_ROWS), job_rows, r);
	if (is_delta(r))
		par_for(r->p->n_seq * mix_shape(r->m, r->layer).heads, job_heads, r);
}

/* ---- backward: the recurrence ---- */

/* One head's pass back */
struct head_pass {
	struct workspace *r;
	struct mix_shape s;
	size_t h, size; /* floats of a state */
	float *D;       /* dL/dS */
	float *chunk;   /* (MIX_CHUNK) states before each token of a chunk */
	float *scratch; /* (nk + 4) nv */
	float *points;  /* states before each chunk of a sequence */
};

static struct delta token_of(const struct head_pass *p, size_t t)
{
	const float *row = mixed_at(p->r, t);
	const struct mix_shape *s = &p->s;
	size_t key = p->h / s->share * s->nk;

	return (struct delta){row + key,
			      row + s->kd + key,
			      row + 2 * s->kd + p->h * s->nv,
			      row[s->n + p->h],
			      row[s->n + s->heads + p->h],
			      s->nk,
			      s->nv};
}

static void token_back(const struct head_pass *p, size_t t, const float *S)
{
	const struct mix_shape *s = &p->s;
	float *row = p->r->dmixed + t * mix_drow(p->r->m, p->r->layer),
	      *v = row + 2 * s->heads * s->nk;
	struct delta_grad to = {.q = row + p->h * s->nk,
				.k = row + (s->heads + p->h) * s->nk,
				.v = v + p->h * s->nv};
	struct delta in = token_of(p, t);
	const float *d_o = p->r->datt + t * s->vd + p->h * s->nv;

	delta_backward(&in, &to, p->D, S, d_o, p->scratch);
	v[s->vd + p->h] = to.beta;
	v[s->vd + s->heads + p->h] = to.g;
}

/* Tokens from.. of a chunk, from the state before it */
static void chunk_back(const struct head_pass *p, size_t from, size_t n, const float *before_it)
{
	memcpy(p->chunk, before_it, p->size * sizeof *p->chunk);
	for (size_t t = 0; t + 1 < n; t++) {
		struct delta in = token_of(p, from + t);

		memcpy(p->chunk + (t + 1) * p->size, p->chunk + t * p->size,
		       p->size * sizeof *p->chunk);
		delta_forward(&in, p->chunk + (t + 1) * p->size, NULL, p->scratch);
	}
	for (size_t t = n; t-- > 0;)
		token_back(p, from + t, p->chunk + t * p->size);
}

/* p->D: from dL/dS behind sequence q to that before it, whose state is S0 (NULL: 0) */
static void sequence_back(const struct head_pass *p, size_t q, const float *S0)
{
	size_t start = p->r->p->start[q], n = p->r->p->start[q + 1] - start;
	size_t chunks = (n + MIX_CHUNK - 1) / MIX_CHUNK;

	memset(p->points, 0, p->size * sizeof *p->points);
	if (S0)
		memcpy(p->points, S0, p->size * sizeof *p->points);
	for (size_t c = 0; c + 1 < chunks; c++) {
		float *S = p->points + (c + 1) * p->size;

		memcpy(S, S - p->size, p->size * sizeof *S);
		for (size_t t = c * MIX_CHUNK; t < (c + 1) * MIX_CHUNK; t++) {
			struct delta in = token_of(p, start + t);

			delta_forward(&in, S, NULL, p->scratch);
		}
	}
	for (size_t c = chunks; c-- > 0;)
		chunk_back(p, start + c * MIX_CHUNK,
			   n - c * MIX_CHUNK < MIX_CHUNK ? n - c * MIX_CHUNK : MIX_CHUNK,
			   p->points + c * p->size);
}

/* Job: a sequence without prefix and all that go on from it, one value head: dmixed from datt. The
 * prefix gets the sum of what those hand back. */
static void job_heads_back(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	struct head_pass p = {.r = r, .s = mix_shape(r->m, r->layer)};
	size_t q = i / p.s.heads, n = workspace_family(r->p, q), size = p.s.nk * p.s.nv;
	float *last = workspace_scratch(r, thread), *sum = last + size;

	if (!n)
		return; /* where its prefix is */
	p.h = i % p.s.heads;
	p.size = size;
	p.D = sum + size;
	p.chunk = p.D + size;
	p.scratch = p.chunk + MIX_CHUNK * size;
	p.points = p.scratch + (p.s.nk + 4) * p.s.nv;
	memset(last, 0, 2 * size * sizeof *last); /* and sum */
	if (n > 1)
		run_head(r, p.h, q, last, false, p.scratch);
	for (size_t k = q + 1; k < q + n; k++) {
		memset(p.D, 0, size * sizeof *p.D);
		sequence_back(&p, k, last);
		layers_add_row(sum, p.D, size);
	}
	memcpy(p.D, sum, size * sizeof *p.D);
	sequence_back(&p, q, NULL);
}

/* ---- backward: rows ---- */

/* Key head's gradient: the sum over the value heads that share it */
static void sum_heads(float *to, const float *from, const struct mix_shape *s)
{
	for (size_t i = 0; i < s->nk; i++) {
		to[i] = 0;
		for (size_t h = 0; h < s->share; h++)
			to[i] += from[h * s->nk + i];
	}
}

/* dpre (n): the gradient by what the convolution gave, y, of one token. tmp: 2 n floats */
static void pre_back(const struct mix_shape *s, float *dpre, const float *drow, const float *y,
		     float *tmp)
{
	float *act = tmp, *dact = tmp + s->n, factor = 1.0f / sqrtf((float)s->nk);

	act_gate(act, y, y, s->n, false);
	for (size_t k = 0; k < s->kd / s->nk; k++) {
		size_t at = k * s->nk, from = k * s->share * s->nk;

		sum_heads(dpre + at, drow + from, s);
		norm_unit_backward(dact + at, dpre + at, act + at, s->nk, factor);
		sum_heads(dpre + at, drow + s->heads * s->nk + from, s);
		norm_unit_backward(dact + s->kd + at, dpre + at, act + s->kd + at, s->nk, 1.0f);
	}
	memcpy(dact + 2 * s->kd, drow + 2 * s->heads * s->nk, s->vd * sizeof *dact);
	act_gate_backward(dact, dpre, NULL, y, s->n, true);
}

/* The gradients by b and a of one token, and the block's shares of those of A_log and dt_bias */
static void decays_back(const struct workspace *r, const struct mix_shape *s, size_t t,
			float *share)
{
	const struct layer *w = &r->m->layer[r->layer];
	const float *a_log = r->m->params + w->a_log, *dt = r->m->params + w->dt_bias;
	const float *drow = r->dmixed + t * mix_drow(r->m, r->layer) + 2 * s->heads * s->nk + s->vd;
	const float *row = mixed_at(r, t) + s->n,
		    *a = workspace_qkv(r, t) + s->n + s->vd + s->heads;
	float *db = r->dqkv + t * block_qkv_dim(r->m, r->layer) + s->n + s->vd, *da = db + s->heads;

	for (size_t h = 0; h < s->heads; h++) {
		float beta = row[h], g = row[s->heads + h], dg = drow[s->heads + h];

		db[h] = drow[h] * beta * (1.0f - beta);
		da[h] = -dg * (float)elem_exp(a_log[h]) * mix_sigmoid(a[h] + dt[h]);
		share[h] += dg * g;
		share[s->heads + h] += da[h];
	}
}

/* Rows of a block: dpre, and what goes into dqkv without the convolution */
static void job_rows_back(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	struct mix_shape s = mix_shape(r->m, r->layer);
	struct conv c = mix_conv(r->m, r->layer);
	float *y = workspace_scratch(r, thread), *tmp = y + s.n;
	float *share = r->mix_grad + i * block_mix_weights(r->m) + s.nv;
	const float *x[CONV_MOST];
	size_t from, n;

	workspace_block(i, WORKSPACE_ROWS, r->p->n_tok, &from, &n);
	memset(share, 0, 2 * s.heads * sizeof *share);
	for (size_t t = from; t < from + n; t++) {
		inputs_of(r, t, x, NULL); /* rows as they are */
		conv_forward(&c, y, x);
		pre_back(&s, r->dpre + t * s.n, r->dmixed + t * mix_drow(r->m, r->layer), y, tmp);
		decays_back(r, &s, t, share);
	}
}

/* ---- backward: the convolution ---- */

/* Where a gradient by an input of the convolution goes: rows of dconv */
static void targets_of(const struct workspace *r, size_t t, float **dx)
{
	struct mix_shape s = mix_shape(r->m, r->layer);
	size_t at;

	for (size_t j = 0; j < s.taps; j++)
		dx[j] = before(r, t, s.taps - 1 - j, &at) ? r->dconv + at * s.n : NULL;
}

/* Some channels, all tokens: a sequence's rows reach back into those of its prefix. */
static void job_conv_back(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	const struct layer *w = &r->m->layer[r->layer];
	struct mix_shape s = mix_shape(r->m, r->layer);
	struct conv c = mix_conv(r->m, r->layer);
	size_t from = i * CHANNELS, n = s.n - from < CHANNELS ? s.n - from : CHANNELS;
	const float *dy = is_delta(r) ? r->dpre : r->datt, *x[CONV_MOST];
	float *dx[CONV_MOST], *buf = workspace_scratch(r, thread);
	float *dw = r->full ? workspace_grad(r, w->conv) : NULL;
	float *db = r->full && w->conv_bias != NOWHERE ? workspace_grad(r, w->conv_bias) : NULL;

	for (size_t t = 0; t < r->p->n_tok; t++)
		memset(r->dconv + t * s.n + from, 0, n * sizeof *r->dconv);
	for (size_t t = 0; t < r->p->n_tok; t++) {
		inputs_of(r, t, x, buf);
		targets_of(r, t, dx);
		conv_backward(&c, dx, dw, db, dy + t * s.n, x, from, n);
	}
}

/* dconv into the columns of dqkv: as it is, or by b and u of what was b * u */
static void job_inputs_back(void *ctx, size_t i, int thread)
{
	struct workspace *r = ctx;
	struct mix_shape s = mix_shape(r->m, r->layer);
	size_t Q = block_qkv_dim(r->m, r->layer), from, n;

	(void)thread;
	workspace_block(i, WORKSPACE_ROWS, r->p->n_tok, &from, &n);
	for (size_t t = from; t < from + n; t++) {
		const float *dp = r->dconv + t * s.n, *row = workspace_qkv(r, t);
		float *to = r->dqkv + t * Q;

		if (is_delta(r)) {
			memcpy(to, dp, s.n * sizeof *to);
			continue;
		}
		for (size_t k = 0; k < s.n; k++) {
			to[k] = dp[k] * row[2 * s.n + k];
			to[2 * s.n + k] = dp[k] * row[k];
		}
	}
}

void mixpass_backward(struct workspace *r)
{
	struct mix_shape s = mix_shape(r->m, r->layer);
	size_t blocks = workspace_blocks(r->p->n_tok, WORKSPACE_ROWS);

	if (is_delta(r)) {
		par_for(blocks, job_rows, r); /* r->mixed is another layer's */
		par_for(r->p->n_seq * s.heads, job_heads_back, r);
		par_for(blocks, job_rows_back, r);
	}
	par_for((s.n + CHANNELS - 1) / CHANNELS, job_conv_back, r);
	par_for(blocks, job_inputs_back, r);
}
