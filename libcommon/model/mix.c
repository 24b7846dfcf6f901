/* mix.c - what some layers have in place of attention, row by row. See mix.h. */
#include "model/mix.h"
#include "base/elem.h"
#include "tensor/act.h"
#include "tensor/delta.h"
#include "tensor/norm.h"

#include <assert.h>
#include <math.h>
#include <string.h>

struct mix_shape mix_shape(const struct model *m, size_t layer)
{
	const struct config *c = &m->cfg;
	struct mix_shape s = {.taps = (size_t)c->conv_taps, .n = (size_t)c->d};

	if (m->layer[layer].kind.mixer != MIXER_DELTA)
		return s;
	s.nk = (size_t)c->linear_k_dim;
	s.nv = (size_t)c->linear_v_dim;
	s.heads = (size_t)c->linear_v_heads;
	s.share = (size_t)(c->linear_v_heads / c->linear_k_heads);
	s.kd = (size_t)c->linear_k_heads * s.nk;
	s.vd = s.heads * s.nv;
	s.n = 2 * s.kd + s.vd;
	return s;
}

struct conv mix_conv(const struct model *m, size_t layer)
{
	const struct layer *w = &m->layer[layer];
	struct mix_shape s = mix_shape(m, layer);

	assert(w->conv != NOWHERE);
	return (struct conv){.w = m->params + w->conv,
			     .b = w->conv_bias == NOWHERE ? NULL : m->params + w->conv_bias,
			     .taps = s.taps,
			     .n = s.n};
}

size_t mix_row(const struct model *m, size_t layer)
{
	struct mix_shape s = mix_shape(m, layer);

	return m->layer[layer].kind.mixer == MIXER_DELTA ? s.n + 2 * s.heads : 0;
}

size_t mix_drow(const struct model *m, size_t layer)
{
	struct mix_shape s = mix_shape(m, layer);

	return mix_row(m, layer) ? 2 * s.heads * s.nk + s.vd + 2 * s.heads : 0;
}

float mix_sigmoid(float x)
{
	return (float)(1 / (1 + elem_exp(-x)));
}

const float *mix_input(const struct model *m, size_t layer, const float *row, float *buf)
{
	size_t d = (size_t)m->cfg.d;

	if (m->layer[layer].kind.mixer == MIXER_DELTA)
		return row;
	for (size_t i = 0; i < d; i++)
		buf[i] = row[i] * row[2 * d + i];
	return buf;
}

static float softplus(float x)
{
	return x > 20 ? x : (float)elem_log1p(elem_exp(x));
}

void mix_prepare(const struct model *m, size_t layer, float *to, float *y, const float *const *x,
		 const float *row)
{
	struct mix_shape s = mix_shape(m, layer);
	struct conv c = mix_conv(m, layer);
	const float *a_log = m->params + m->layer[layer].a_log;
	const float *dt = m->params + m->layer[layer].dt_bias;
	const float *b = row + s.n + s.vd, *a = b + s.heads;
	float *beta = to + s.n, *g = beta + s.heads;

	conv_forward(&c, y, x);
	act_gate(to, y, y, s.n, false);
	for (size_t i = 0; i < s.kd; i += s.nk) {
		norm_unit(to + i, to + i, s.nk, 1.0f / sqrtf((float)s.nk));
		norm_unit(to + s.kd + i, to + s.kd + i, s.nk, 1.0f);
	}
	for (size_t h = 0; h < s.heads; h++) {
		beta[h] = mix_sigmoid(b[h]);
		g[h] = -(float)elem_exp(a_log[h]) * softplus(a[h] + dt[h]);
	}
}

void mix_head(const struct model *m, size_t layer, size_t h, float *S, float *o, const float *row,
	      float *scratch)
{
	struct mix_shape s = mix_shape(m, layer);
	size_t key = h / s.share * s.nk;
	const struct delta t = {row + key,    row + s.kd + key,       row + 2 * s.kd + h * s.nv,
				row[s.n + h], row[s.n + s.heads + h], s.nk,
				s.nv};

	delta_forward(&t, S, o, scratch);
}

/* ---- a sequence, token by token ---- */

size_t mix_state(const struct model *m, size_t layer)
{
	struct mix_shape s = mix_shape(m, layer);

	if (m->layer[layer].kind.mixer == MIXER_ATTENTION)
		return 0;
	return (s.taps - 1) * s.n + s.heads * s.nk * s.nv;
}

static size_t layer_scratch(const struct model *m, size_t layer)
{
	struct mix_shape s = mix_shape(m, layer);

	return mix_state(m, layer) ? 2 * s.n + mix_row(m, layer) + s.nv : 0;
}

size_t mix_scratch(const struct model *m)
{
	size_t most = 0;

	for (size_t l = 0; l < (size_t)m->cfg.layers; l++)
		most = layer_scratch(m, l) > most ? layer_scratch(m, l) : most;
	return most;
}

static size_t pass_scratch(const struct model *m, size_t layer, size_t longest, bool back)
{
	struct mix_shape s = mix_shape(m, layer);
	size_t states = back ? (longest + MIX_CHUNK - 1) / MIX_CHUNK + MIX_CHUNK + 4 : 2;
	size_t heads = states * s.nk * s.nv + 4 * s.nv, rows = (s.taps + 3) * s.n;

	if (!mix_state(m, layer))
		return 0;
	return heads > rows ? heads : rows;
}

size_t mix_pass_scratch(const struct model *m, size_t longest, bool back)
{
	size_t most = 0;

	for (size_t l = 0; l < (size_t)m->cfg.layers; l++) {
		size_t n = pass_scratch(m, l, longest, back);

		most = n > most ? n : most;
	}
	return most;
}

void mix_token(const struct model *m, size_t layer, float *att, float *state, const float *row,
	       bool first, float *scratch)
{
	struct mix_shape s = mix_shape(m, layer);
	struct conv c = mix_conv(m, layer);
	const float *x[CONV_MOST];
	float *buf = scratch, *y = buf + s.n, *mixed = y + s.n;
	float *S = state + (s.taps - 1) * s.n;

	if (first)
		memset(state, 0, mix_state(m, layer) * sizeof *state);
	for (size_t j = 0; j + 1 < s.taps; j++)
		x[j] = state + j * s.n;
	x[s.taps - 1] = mix_input(m, layer, row, buf);
	if (m->layer[layer].kind.mixer == MIXER_CONV)
		conv_forward(&c, att, x);
	else
		mix_prepare(m, layer, mixed, y, x, row);
	for (size_t h = 0; h < s.heads; h++)
		mix_head(m, layer, h, S + h * s.nk * s.nv, att + h * s.nv, mixed,
			 mixed + mix_row(m, layer));
	memmove(state, state + s.n, (s.taps - 1) * s.n * sizeof *state);
	memcpy(state + (s.taps - 2) * s.n, x[s.taps - 1], s.n * sizeof *state);
}

/* ---- gates ---- */

bool mix_gated(const struct model *m, size_t layer)
{
	return m->layer[layer].kind.mixer != MIXER_ATTENTION || family_row(m->cfg.family)->gated;
}

/* Where in a row the gate stands */
static size_t gate_at(const struct model *m, size_t layer)
{
	struct mix_shape s = mix_shape(m, layer);

	switch (m->layer[layer].kind.mixer) {
	case MIXER_CONV:
		return s.n;
	case MIXER_DELTA:
		return s.n;
	default:
		return m->layer[layer].qkv.n - m->layer[layer].o.k;
	}
}

static struct norm head_norm(const struct model *m, size_t layer)
{
	return (struct norm){.w = m->params + m->layer[layer].delta_norm,
			     .n = mix_shape(m, layer).nv,
			     .eps = (float)m->cfg.norm_eps};
}

/* attention: y = att sigmoid(gate); convolution: att c; DeltaNet: rms(att) silu(z), head by head */
void mix_gate(const struct model *m, size_t layer, float *y, const float *att, const float *row)
{
	enum mixer mixer = m->layer[layer].kind.mixer;
	const float *gate = row + gate_at(m, layer);
	size_t n = m->layer[layer].o.k;

	if (mixer == MIXER_DELTA) {
		struct norm k = head_norm(m, layer);

		for (size_t i = 0; i < n; i += k.n)
			norm_forward(&k, y + i, att + i);
		att = y;
	}
	if (mixer != MIXER_CONV)
		act_gate(y, att, gate, n, mixer == MIXER_DELTA);
	for (size_t i = 0; mixer == MIXER_CONV && i < n; i++)
		y[i] = att[i] * gate[i];
}

/* One head of DeltaNet's: normed = rms(att), y = normed silu(z) */
static void head_back(const struct norm *k, float *datt, float *dz, const float *att,
		      const float *z, float *dw)
{
	float normed[DELTA_MOST], dn[DELTA_MOST];
	struct norm_stat st;

	assert(k->n <= DELTA_MOST);
	st = norm_forward(k, normed, att);
	memcpy(dn, datt, k->n * sizeof *dn);
	act_gate_backward(dn, dz, normed, z, k->n, true);
	memset(datt, 0, k->n * sizeof *datt);
	if (dw)
		norm_weights(dw, dn, att, st, k->n);
	norm_backward(k, datt, dn, att, st);
}

void mix_gate_back(const struct model *m, size_t layer, float *datt, float *drow, const float *att,
		   const float *row, float *dw)
{
	enum mixer mixer = m->layer[layer].kind.mixer;
	size_t n = m->layer[layer].o.k, at = gate_at(m, layer);

	if (mixer == MIXER_DELTA) {
		struct norm k = head_norm(m, layer);

		for (size_t i = 0; i < n; i += k.n)
			head_back(&k, datt + i, drow + at + i, att + i, row + at + i, dw);
		return;
	}
	if (mixer != MIXER_CONV)
		act_gate_backward(datt, drow + at, att, row + at, n, false);
	for (size_t i = 0; mixer == MIXER_CONV && i < n; i++) {
		drow[at + i] = datt[i] * att[i];
		datt[i] *= row[at + i];
	}
}

void mix_split(const struct model *m, float *row, float *tmp)
{
	size_t hd = (size_t)m->cfg.head_dim, heads = (size_t)m->cfg.heads, A = heads * hd;
	size_t kv = 2 * (size_t)m->cfg.kv_heads * hd;

	memcpy(tmp, row, 2 * A * sizeof *row);
	memmove(row + A, row + 2 * A, kv * sizeof *row);
	for (size_t h = 0; h < heads; h++) {
		memcpy(row + h * hd, tmp + 2 * h * hd, hd * sizeof *row);
		memcpy(row + A + kv + h * hd, tmp + (2 * h + 1) * hd, hd * sizeof *row);
	}
}

void mix_join(const struct model *m, float *row, float *tmp)
{
	size_t hd = (size_t)m->cfg.head_dim, heads = (size_t)m->cfg.heads, A = heads * hd;
	size_t kv = 2 * (size_t)m->cfg.kv_heads * hd;

	for (size_t h = 0; h < heads; h++) {
		memcpy(tmp + 2 * h * hd, row + h * hd, hd * sizeof *row);
		memcpy(tmp + (2 * h + 1) * hd, row + A + kv + h * hd, hd * sizeof *row);
	}
	memmove(row + 2 * A, row + A, kv * sizeof *row);
	memcpy(row, tmp, 2 * A * sizeof *row);
}
