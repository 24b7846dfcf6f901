/* attention.c - causal attention over one key/value head. See attention.h. */
#include "tensor/attention.h"
#include "tensor/half.h"
#include "tensor/softmax.h"
#include "tensor/vec.h"

#include <assert.h>
#include <math.h>

/* A number in the low or the high half of a word */
static uint32_t half_word(float x, bool high)
{
	uint32_t u = half_bf16_bits(x);

	return high ? u & 0xffff0000 : u >> 16;
}

/* The first of a pair of tokens leaves the other half 0. */
static void put_half_values(struct att_kv kv, size_t t, struct cmatrix v)
{
	for (size_t j = 0; j < v.rows; j++, t++) {
		uint32_t *to = (uint32_t *)kv.values + t / 2 * vec_round(kv.hd);

		for (size_t i = 0; i < kv.hd; i++)
			to[i] = half_word(v.p[j * v.ld + i], t & 1) | (t & 1 ? to[i] & 0xffff : 0);
	}
}

static void put_half_keys(struct att_kv kv, size_t t, struct cmatrix k)
{
	for (size_t j = 0; j < k.rows; j++, t++) {
		const float *from = k.p + j * k.ld;
		uint32_t *col =
			(uint32_t *)kv.keys + t / PANEL * ((kv.hd + 1) / 2 * PANEL) + t % PANEL;

		for (size_t i = 0; i < kv.hd; i += 2)
			col[i / 2 * PANEL] = half_word(from[i], false) |
					     (i + 1 < kv.hd ? half_word(from[i + 1], true) : 0);
	}
}

void att_put(struct att_kv kv, size_t t, struct cmatrix k, struct cmatrix v)
{
	size_t hd = kv.hd, hr = vec_round(hd), n = k.rows, room;
	const float *from = k.p;

	assert(kv.keys && kv.values && k.p && v.p);
	assert(k.rows == v.rows && k.cols == hd && v.cols == hd);
	assert(k.ld >= hd && v.ld >= hd);
	if (kv.how.half) {
		put_half_values(kv, t, v);
		put_half_keys(kv, t, k);
		return;
	}
	for (size_t j = 0; j < n; j++)
		memcpy(kv.values + (t + j) * hr, v.p + j * v.ld, hd * sizeof *v.p);
	for (; n > 0; t += room, n -= room, from += room * k.ld) {
		float *col = kv.keys + t / PANEL * (hd * PANEL) + t % PANEL;

		room = PANEL - t % PANEL < n ? PANEL - t % PANEL : n;
		for (size_t j = 0; j < room; j++)
			for (size_t i = 0; i < hd; i++)
				col[i * PANEL + j] = from[j * k.ld + i];
	}
}

static struct panels key_view(struct att_kv kv)
{
	return kv.how.half ? gemm_pair_view((const uint32_t *)kv.keys, kv.hd)
			   : gemm_packed_view(kv.keys, kv.hd);
}

static struct panels value_view(struct att_kv kv)
{
	size_t row = vec_round(kv.hd);

	return kv.how.half ? (struct panels){NULL, row, PANEL, (const uint32_t *)kv.values}
			   : (struct panels){kv.values, row, PANEL, NULL};
}

static float scale_of(struct att_how how, size_t hd)
{
	return how.scale > 0 ? how.scale : 1.0f / sqrtf((float)hd);
}

/* Of n keys that a token sees without a window, the first that it sees with one. */
static size_t first_seen(struct att_how how, size_t n)
{
	return how.window && n > how.window ? n - how.window : 0;
}

/* Keys that no row sees whose first sees the keys below n, as whole panels: what is left gives the
 * same bits, since a chain that begins with zeros is the chain without them. */
static size_t skipped(struct att_how how, size_t n)
{
	return first_seen(how, n) / PANEL * PANEL;
}

/* The same without them */
static struct att_kv behind(struct att_kv kv, size_t keys)
{
	kv.keys += att_keys_size(keys, kv.hd, kv.how.half);
	kv.values += att_values_size(keys, kv.hd, kv.how.half);
	return kv;
}

/* A row of products becomes scores, but for the scale that is left to do, which is returned. */
static float score_row(struct att_how how, float *s, size_t n, size_t hd)
{
	float scale = scale_of(how, hd);

	if (how.cap > 0)
		softmax_scores(s, n, scale, how.cap);
	for (size_t j = 0, from = first_seen(how, n); j < from; j++)
		s[j] = -INFINITY;
	return how.cap > 0 ? 1.0f : scale;
}

/*
 * s(i, j) = exp(z_ij - max) / sum over j of exp(z_ij - max), z the scores of q k', for the
 * first_n + i * causal keys that row i sees; 0 for the rest of its ld numbers. s (rows, ld >=
 * keys), q (rows, hd).
 */
static void probabilities(struct matrix s, struct cmatrix q, struct att_kv kv, size_t first_n,
			  bool causal)
{
	size_t n = first_n + (causal ? q.rows - 1 : 0);

	s.cols = vec_round(n);
	assert(s.rows == q.rows && s.ld >= s.cols);
	gemm(0, q, key_view(kv), s);
	for (size_t i = 0; i < q.rows; i++) {
		size_t seen = causal ? first_n + i : first_n, end = vec_round(seen);
		float *row = s.p + i * s.ld;

		softmax_row(row, seen, score_row(kv.how, row, seen, q.cols));
		if (end < s.ld)
			memset(row + end, 0, (s.ld - end) * sizeof *row);
	}
}

/* O = P V, P = softmax of the scores of Q K' over the keys that each row sees */
void att_rows(struct matrix out, struct cmatrix q, struct att_kv kv, size_t first_n, bool causal,
	      float *scratch)
{
	size_t skip = skipped(kv.how, first_n), n = first_n - skip + (causal ? q.rows - 1 : 0);
	size_t ls = vec_round(n);
	struct matrix s = matrix_of(scratch, q.rows, ls, ls);

	assert(q.rows >= 1 && first_n >= 1); /* softmax needs a key */
	assert(q.cols == kv.hd && out.cols == kv.hd && out.rows == q.rows);
	kv = behind(kv, skip);
	probabilities(s, q, kv, first_n - skip, causal);
	gemm(0, matrix_in(scratch, q.rows, n, ls), value_view(kv), out);
}

/* Rows of one kv head's query heads, in a token's numbers */
static struct cmatrix heads_in(struct cmatrix q, size_t g, size_t rep)
{
	return matrix_in(q.p + g * rep * q.cols, rep, q.cols, q.ld);
}

/* The same as att_rows gives, head by head */
static void token_by_head(struct matrix out, struct cmatrix q, struct att_kv kv, size_t n,
			  float *scratch)
{
	size_t rep = q.rows / kv.heads, hd = kv.hd;

	for (size_t g = 0; g < kv.heads; g++, kv.keys += kv.step, kv.values += kv.step)
		att_rows(matrix_of(out.p + g * rep * hd, rep, hd, hd), heads_in(q, g, rep), kv, n,
			 false, scratch);
}

/* O(h) = softmax(scores of q(h) K(g)') V(g), g = h / rep */
void att_token(struct matrix out, struct cmatrix q, struct att_kv kv, size_t n, float *scratch)
{
	size_t hd = kv.hd, heads = q.rows, skip = skipped(kv.how, n), ls;

	assert(n >= 1 && kv.heads >= 1 && heads % kv.heads == 0);
	assert(q.cols == hd && q.ld == hd && out.ld == hd);
	assert(out.rows == heads && out.cols == hd);
	if (heads > kv.heads ||
	    hd % LANES) { /* enough chains side by side in one head, or none fits */
		token_by_head(out, q, kv, n, scratch);
		return;
	}
	kv = behind(kv, skip);
	n -= skip;
	ls = vec_round(n);
	gemm_each(q, key_view(kv), kv.step, matrix_of(scratch, heads, n, ls));
	for (size_t h = 0; h < heads; h++)
		softmax_row(scratch + h * ls, n, score_row(kv.how, scratch + h * ls, n, hd));
	gemm_each(matrix_in(scratch, heads, n, ls), value_view(kv), kv.step, out);
}

/* Copies rows of one head, padded so that whole vectors can be read. */
static void gather_rows(float *dst, struct cmatrix src)
{
	size_t hr = vec_round(src.cols);

	for (size_t t = 0; t < src.rows; t++)
		for (size_t i = 0; i < hr; i++)
			dst[t * hr + i] = i < src.cols ? src.p[t * src.ld + i] : 0.0f;
}

static void round_rows(float *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t u = half_bf16_bits(v[i]) & 0xffff0000;

		memcpy(v + i, &u, sizeof u);
	}
}

static void scatter_rows(struct matrix dst, const float *src)
{
	for (size_t t = 0; t < dst.rows; t++)
		memcpy(dst.p + t * dst.ld, src + t * vec_round(dst.cols), dst.cols * sizeof *dst.p);
}

/*
 * dZ = P * (dP - rowsum(dO * O)) * scale, in place of dp. s, dp (rows, keys): P and dP; o, d_o
 * (rows, hd). rowsum(dO * O) = rowsum(dP * P): Dao et al., arXiv 2205.14135, appendix B.
 */
static void scores_backward(struct matrix dp, const float *s, struct cmatrix o, struct cmatrix d_o,
			    float scale)
{
	for (size_t i = 0; i < dp.rows; i++) {
		float d = lanes_dot(o.p + i * o.ld, d_o.p + i * d_o.ld, o.cols);

		for (size_t j = 0; j < dp.cols; j++)
			dp.p[i * dp.ld + j] = s[i * dp.ld + j] * (dp.p[i * dp.ld + j] - d) * scale;
	}
}

/* Room of a backward pass: rows of hr floats, token by token, the prefix first */
struct att_back {
	size_t hd, hr, ls;
	float *keys, *vt;      /* keys and values in panels */
	float *k, *v, *q, *dO; /* q and dO of one head at a time */
	float *dk, *dv;
	float *s, *dp;      /* (ATT_ROWS, ls) probabilities and the gradient by them */
	float *slope;       /* (ATT_ROWS, ls) of the cap, where there is one */
	struct att_how how; /* half: false */
	bool round;         /* keys and values */
};

static struct att_back att_back(size_t T, size_t hd, float *scratch)
{
	size_t hr = vec_round(hd), kf = att_keys_size(T, hd, false);
	struct att_back b = {.hd = hd, .hr = hr, .ls = vec_round(T), .keys = scratch};

	b.vt = b.keys + kf;
	b.k = b.vt + kf;
	b.v = b.k + T * hr;
	b.q = b.v + T * hr;
	b.dO = b.q + T * hr;
	b.dk = b.dO + T * hr;
	b.dv = b.dk + T * hr;
	b.s = b.dv + T * hr;
	b.dp = b.s + ATT_ROWS * b.ls;
	b.slope = b.dp + ATT_ROWS * b.ls;
	return b;
}

/* Rows from..from + n of a matrix, and of these the hd columns of head h */
static struct cmatrix part_in(struct cmatrix a, size_t from, size_t n, size_t h, size_t hd)
{
	return matrix_in(a.p + from * a.ld + h * hd, n, hd, a.ld);
}

static struct matrix part_of(struct matrix a, size_t from, size_t n, size_t h, size_t hd)
{
	return matrix_of(a.p + from * a.ld + h * hd, n, hd, a.ld);
}

/* Takes keys and values behind the first `before`, as numbers in f32 that are rounded where those
 * were; their gradients begin at 0. */
static void take_keys(struct att_back *b, struct cmatrix k, struct cmatrix v, size_t before)
{
	size_t at = before * b->hr, n = k.rows;
	/* dk takes values that nobody needs */
	struct att_kv keys = {.keys = b->keys, .values = b->dk, .hd = b->hd, .heads = 1};
	struct att_kv vt = {.keys = b->vt, .values = b->dk, .hd = b->hd, .heads = 1};
	struct cmatrix k_row = matrix_in(b->k + at, n, b->hd, b->hr);
	struct cmatrix v_row = matrix_in(b->v + at, n, b->hd, b->hr);

	gather_rows(b->k + at, k);
	gather_rows(b->v + at, v);
	if (b->round) {
		round_rows(b->k + at, n * b->hr);
		round_rows(b->v + at, n * b->hr);
	}
	att_put(keys, before, k_row, v_row);
	att_put(vt, before, v_row, v_row);
	memset(b->dk + at, 0, n * b->hr * sizeof *b->dk);
	memset(b->dv + at, 0, n * b->hr * sizeof *b->dv);
}

/* One head's queries, rows of (n, hd) */
struct att_head {
	struct matrix dq;
	struct cmatrix q, o, d_o;
};

/* slope = 1 - tanh^2(scale z / c) of z = q k': dS by the scores before the cap is dS times that. */
static void cap_slopes(const struct att_back *b, struct cmatrix q, const float *keys, size_t n)
{
	struct matrix z = matrix_of(b->slope, q.rows, vec_round(n), b->ls);
	float scale = scale_of(b->how, b->hd) / b->how.cap;

	gemm(0, q, gemm_packed_view(keys, b->hd), z);
	for (size_t i = 0; i < q.rows; i++)
		for (size_t j = 0; j < n; j += VL) {
			float *at = z.p + i * z.ld + j;
			vf t = vf_tanh(vf_load(at) * scale);

			vf_store(at, 1.0f - t * t);
		}
}

static void apply_slopes(const struct att_back *b, struct matrix dp)
{
	for (size_t i = 0; i < dp.rows; i++)
		for (size_t j = 0; j < dp.cols; j++)
			dp.p[i * dp.ld + j] *= b->slope[i * b->ls + j];
}

/*
 * dV += P' dO, dP = dO V', dZ as above, dQ = dZ K, dK += dZ' Q, for rows t .. t + rows of one
 * head's queries behind the first `before` keys.
 */
static void rows_back(struct att_back *b, const struct att_head *a, size_t before, size_t t,
		      size_t rows)
{
	size_t hr = b->hr, hd = b->hd, ls = b->ls, skip = skipped(b->how, before + t + 1);
	size_t seen = before + t + rows - skip, first_n = before + t + 1 - skip;
	struct panels qb = {b->q + t * hr, hr, PANEL, NULL};
	struct panels dob = {b->dO + t * hr, hr, PANEL, NULL};
	struct panels kb = {b->k + skip * hr, hr, PANEL, NULL};
	struct matrix s = matrix_of(b->s, rows, seen, ls), dp = matrix_of(b->dp, rows, seen, ls);
	struct cmatrix s_in = matrix_in(b->s, rows, seen, ls);
	struct cmatrix dp_in = matrix_in(b->dp, rows, seen, ls);
	struct cmatrix q = matrix_in(b->q + t * hr, rows, hd, hr);
	struct att_kv kv = {b->keys + skip * hd, NULL, hd, 1, 0, b->how};

	probabilities(s, q, kv, first_n, true);
	gemm(0, matrix_in(b->dO + t * hr, rows, hd, hr), gemm_packed_view(b->vt + skip * hd, hd),
	     dp);
	scores_backward(dp, b->s, part_in(a->o, t, rows, 0, hd), part_in(a->d_o, t, rows, 0, hd),
			scale_of(b->how, hd));
	if (b->how.cap > 0) {
		cap_slopes(b, q, kv.keys, seen);
		apply_slopes(b, dp);
	}
	gemm(0, dp_in, kb, part_of(a->dq, t, rows, 0, hd));
	gemm(GEMM_ADD | GEMM_TRANSPOSED, dp_in, qb, matrix_of(b->dk + skip * hr, seen, hr, hr));
	gemm(GEMM_ADD | GEMM_TRANSPOSED, s_in, dob, matrix_of(b->dv + skip * hr, seen, hr, hr));
}

/* ATT_ROWS rows at a time */
static void queries_back(struct att_back *b, const struct att_head *a, size_t before)
{
	size_t n = a->q.rows;

	gather_rows(b->q, a->q);
	gather_rows(b->dO, a->d_o);
	for (size_t t = 0; t < n; t += ATT_ROWS)
		rows_back(b, a, before, t, n - t < ATT_ROWS ? n - t : ATT_ROWS);
}

static void check_pass(const struct att_pass *p)
{
	size_t T = p->start[p->n] - p->start[0], hd = p->k.cols;

	assert(p->n >= 1 && p->start[1] > p->start[0]);
	assert(hd >= 1 && p->q.cols % hd == 0 && p->v.cols == hd);
	assert(p->q.rows == T && p->k.rows == T && p->v.rows == T);
	assert(p->o.rows == T && p->d_o.rows == T);
	assert(p->o.cols == p->q.cols && p->d_o.cols == p->q.cols);
	assert(p->dq.rows == T && p->dk.rows == T && p->dv.rows == T);
	assert(p->dq.cols == p->q.cols && p->dk.cols == hd && p->dv.cols == hd);
	(void)T;
	(void)hd;
}

void att_backward(const struct att_pass *p, float *scratch)
{
	size_t prefix = p->start[1] - p->start[0], longest = 0, hd = p->k.cols;
	size_t rep = p->q.cols / hd;
	struct att_back b;

	check_pass(p);
	for (size_t s = 1; s < p->n; s++)
		longest = p->start[s + 1] - p->start[s] > longest ? p->start[s + 1] - p->start[s]
								  : longest;
	b = att_back(prefix + longest, hd, scratch);
	b.how = p->how;
	b.how.half = false;
	b.round = p->how.half;
	for (size_t s = 0; s < p->n; s++) {
		size_t at = p->start[s] - p->start[0], len = p->start[s + 1] - p->start[s];
		size_t before = s ? prefix : 0, own = before * b.hr;

		take_keys(&b, part_in(p->k, at, len, 0, hd), part_in(p->v, at, len, 0, hd), before);
		for (size_t h = 0; h < rep; h++) {
			struct att_head a = {
				part_of(p->dq, at, len, h, hd), part_in(p->q, at, len, h, hd),
				part_in(p->o, at, len, h, hd), part_in(p->d_o, at, len, h, hd)};

			queries_back(&b, &a, before);
		}
		if (s) {
			scatter_rows(part_of(p->dk, at, len, 0, hd), b.dk + own);
			scatter_rows(part_of(p->dv, at, len, 0, hd), b.dv + own);
		}
	}
	scatter_rows(part_of(p->dk, 0, prefix, 0, hd), b.dk);
	scatter_rows(part_of(p->dv, 0, prefix, 0, hd), b.dv);
}
