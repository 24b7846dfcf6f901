/* attention.c - causal attention over one key/value head. See attention.h. */
#include "tensor/attention.h"
#include "tensor/half.h"
#include "tensor/softmax.h"
#include "tensor/turn.h"

#include <assert.h>
#include <math.h>

/* A number in the low or the high half of a word */
static uint32_t half_word(float x, bool high)
{
	uint32_t u = half_bf16_bits(x);

	return high ? u & 0xffff0000 : u >> 16;
}

/* One token's, beside that of the token before it where it is the second of a pair; the first
 * leaves the other half 0. */
static void put_half_value(uint32_t *to, size_t t, const float *v, size_t hd)
{
	for (size_t i = 0; i < hd; i++)
		to[i] = half_word(v[i], t & 1) | (t & 1 ? to[i] & 0xffff : 0);
}

static void put_half_values(struct att_kv kv, size_t t, struct cmatrix v)
{
	for (size_t j = 0, n; j < v.rows; j += n, t += n) {
		uint32_t *to = (uint32_t *)kv.values + t / 2 * vec_round(kv.hd);
		const float *from = v.p + j * v.ld;

		n = t % 2 == 0 && j + 1 < v.rows ? 2 : 1;
		if (n == 2)
			vec_pair_rows(to, from, from + v.ld, kv.hd);
		else
			put_half_value(to, t, from, kv.hd);
	}
}

static void put_values(struct att_kv kv, size_t t, struct cmatrix v)
{
	if (kv.how.half) {
		put_half_values(kv, t, v);
		return;
	}
	for (size_t j = 0; j < v.rows; j++)
		memcpy(kv.values + (t + j) * vec_round(kv.hd), v.p + j * v.ld, kv.hd * sizeof *v.p);
}

static void put_keys(struct att_kv kv, size_t t, struct cmatrix k)
{
	size_t hd = kv.hd, n = k.rows, room;
	const float *from = k.p;

	if (kv.how.half) {
		gemm_pair_rows((uint32_t *)kv.keys, t, k);
		return;
	}
	for (; n > 0; t += room, n -= room, from += room * k.ld) {
		float *col = kv.keys + t / PANEL * (hd * PANEL) + t % PANEL;

		room = PANEL - t % PANEL < n ? PANEL - t % PANEL : n;
		turn(col, PANEL, from, k.ld, room, hd);
	}
}

void att_put(struct att_kv kv, size_t t, struct cmatrix k, struct cmatrix v)
{
	assert(kv.keys && kv.values && k.p && v.p);
	assert(k.rows == v.rows && k.cols == kv.hd && v.cols == kv.hd);
	assert(k.ld >= kv.hd && v.ld >= kv.hd);
	put_values(kv, t, v);
	put_keys(kv, t, k);
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

/* s = Q K'. a (bf16): room for Q packed */
static void key_product(struct matrix s, struct cmatrix q, struct att_kv kv, uint32_t *a)
{
	if (!kv.how.half) {
		gemm(0, q, key_view(kv), s);
		return;
	}
	bf16_rows(a, q);
	bf16_gemm(0, a, kv.hd, key_view(kv), s);
}

/* out = P V, or += */
static void value_product(int how, struct matrix out, struct cmatrix p, struct att_kv kv,
			  uint32_t *a)
{
	if (!kv.how.half) {
		gemm(how, p, value_view(kv), out);
		return;
	}
	bf16_rows(a, p);
	bf16_gemm(how, a, p.cols, value_view(kv), out);
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

/* Keys that no row sees whose first sees the keys below n, as whole panels and blocks: what is left
 * gives the same bits, since a chain that begins with zeros is the chain without them. */
static size_t skipped(struct att_how how, size_t n)
{
	return first_seen(how, n) / BF16_BLOCK * BF16_BLOCK;
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
 * keys), q (rows, hd); a: see key_product.
 */
static void probabilities(struct matrix s, struct cmatrix q, struct att_kv kv, size_t first_n,
			  bool causal, uint32_t *a)
{
	size_t n = first_n + (causal ? q.rows - 1 : 0);

	s.cols = vec_round(n);
	assert(s.rows == q.rows && s.ld >= s.cols);
	key_product(s, q, kv, a);
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
	uint32_t *a = (uint32_t *)(scratch + q.rows * ls);

	assert(q.rows >= 1 && first_n >= 1); /* softmax needs a key */
	assert(q.cols == kv.hd && out.cols == kv.hd && out.rows == q.rows);
	kv = behind(kv, skip);
	probabilities(s, q, kv, first_n - skip, causal, a);
	value_product(0, out, matrix_in(scratch, q.rows, n, ls), kv, a);
}

/* ---- one token of several sequences ---- */

struct family {
	const struct att_family *f;
	struct cmatrix q;
	struct matrix out;
	size_t hd, heads, rep; /* rep: query heads of a kv head */
	size_t skip;           /* keys that nobody sees any more, from the first on */
	size_t shared;         /* keys that all have, behind those */
	size_t ls;
	float *s; /* scores of all keys, ls a row: kv head by kv head, in each sequence by sequence
		   */
	float *x; /* (n * rep, hd) queries of a kv head, or what comes out */
	uint32_t *a; /* see key_product */
};

static struct att_kv head_of(struct att_kv kv, size_t g)
{
	kv.keys += g * kv.step;
	kv.values += g * kv.step;
	return kv;
}

/* Scores of sequence i's rows of kv head g */
static float *scores_of(const struct family *w, size_t g, size_t i)
{
	return w->s + (g * w->f->n + i) * w->rep * w->ls;
}

static struct att_kv own_of(const struct family *w, size_t i, size_t *n)
{
	size_t gone = w->skip > w->f->shared ? w->skip - w->f->shared : 0;

	*n = w->f->len[i] - w->f->shared - gone;
	return behind(w->f->own[i], gone);
}

/* Where heads have keys of their own, those of a sequence go side by side. */
static bool side_by_side(const struct family *w)
{
	return w->rep == 1 && w->hd % LANES == 0 && !w->f->own->how.half;
}

/* Scores of the keys that all have: of all sequences together */
static void shared_scores(const struct family *w, size_t g)
{
	size_t n = w->f->n, wide = w->rep * w->hd;
	struct att_kv kv = behind(head_of(w->f->first, g), w->skip);

	for (size_t i = 0; i < n; i++)
		memcpy(w->x + i * wide, w->q.p + i * w->q.ld + g * wide, wide * sizeof *w->x);
	key_product(matrix_of(scores_of(w, g, 0), n * w->rep, w->shared, w->ls),
		    matrix_in(w->x, n * w->rep, w->hd, w->hd), kv, w->a);
}

static void own_scores(const struct family *w, size_t i)
{
	size_t n, hd = w->hd, rep = w->rep, kvh = w->heads / rep;
	struct att_kv kv = own_of(w, i, &n);
	const float *q = w->q.p + i * w->q.ld;

	if (side_by_side(w))
		gemm_each(0, matrix_in(q, kvh, hd, hd), key_view(kv), kv.step,
			  matrix_of(scores_of(w, 0, i) + w->shared, kvh, n, w->f->n * w->ls));
	else
		for (size_t g = 0; g < kvh; g++)
			key_product(
				matrix_of(scores_of(w, g, i) + w->shared, rep, vec_round(n), w->ls),
				matrix_in(q + g * rep * hd, rep, hd, hd), head_of(kv, g), w->a);
	for (size_t h = 0; h < w->heads; h++) {
		float *row = scores_of(w, h / rep, i) + h % rep * w->ls;

		softmax_row(row, w->shared + n, score_row(kv.how, row, w->shared + n, hd));
	}
}

static void shared_values(const struct family *w, size_t g)
{
	size_t n = w->f->n, wide = w->rep * w->hd;

	value_product(0, matrix_of(w->x, n * w->rep, w->hd, w->hd),
		      matrix_in(scores_of(w, g, 0), n * w->rep, w->shared, w->ls),
		      behind(head_of(w->f->first, g), w->skip), w->a);
	for (size_t i = 0; i < n; i++)
		memcpy(w->out.p + i * w->out.ld + g * wide, w->x + i * wide, wide * sizeof *w->x);
}

/* Goes on with the sums over values where those of the shared ones ended. */
static void own_values(const struct family *w, size_t i)
{
	size_t n, hd = w->hd, rep = w->rep, kvh = w->heads / rep;
	struct att_kv kv = own_of(w, i, &n);
	float *out = w->out.p + i * w->out.ld;
	int how = w->shared ? GEMM_ADD : 0;

	if (side_by_side(w)) {
		gemm_each(how, matrix_in(scores_of(w, 0, i) + w->shared, kvh, n, w->f->n * w->ls),
			  value_view(kv), kv.step, matrix_of(out, kvh, hd, hd));
		return;
	}
	for (size_t g = 0; g < kvh; g++)
		value_product(how, matrix_of(out + g * rep * hd, rep, hd, hd),
			      matrix_in(scores_of(w, g, i) + w->shared, rep, n, w->ls),
			      head_of(kv, g), w->a);
}

static struct family family_of(struct matrix out, struct cmatrix q, const struct att_family *f,
			       float *scratch)
{
	size_t hd = f->own->hd, heads = q.cols / hd, least = f->len[0], most = f->len[0];
	struct family w = {f, q, out, hd,      heads, heads / f->own->heads,
			   0, 0, 0,   scratch, NULL,  NULL};

	for (size_t i = 0; i < f->n; i++) {
		assert(f->len[i] > f->shared);
		least = f->len[i] < least ? f->len[i] : least;
		most = f->len[i] > most ? f->len[i] : most;
	}
	w.skip = skipped(f->own->how, least);
	w.shared = f->shared > w.skip ? f->shared - w.skip : 0;
	w.ls = vec_round(most - w.skip);
	w.x = w.s + f->n * heads * w.ls;
	w.a = (uint32_t *)(w.x + f->n * heads * vec_round(hd));
	return w;
}

void att_family(struct matrix out, struct cmatrix q, const struct att_family *f, float *scratch)
{
	struct family w = family_of(out, q, f, scratch);
	size_t kvh = f->own->heads;

	assert(f->n >= 1 && q.rows == f->n && out.rows == f->n && out.cols == q.cols);
	assert(w.heads % kvh == 0 && f->shared % BF16_BLOCK == 0);
	for (size_t g = 0; w.shared && g < kvh; g++)
		shared_scores(&w, g);
	for (size_t i = 0; i < f->n; i++)
		own_scores(&w, i);
	for (size_t g = 0; w.shared && g < kvh; g++)
		shared_values(&w, g);
	for (size_t i = 0; i < f->n; i++)
		own_values(&w, i);
}

/* ---- the backward pass ---- */

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

/* Room of a backward pass: keys, values and what stands beside them token by token, the prefix
 * first; rows of hr floats */
struct att_back {
	size_t hd, hr, ls, rows; /* rows: queries taken together */
	struct att_kv k;         /* the keys, in both forms */
	struct att_kv v;         /* V'; its values are those of k */
	float *dk, *dv;
	float *q, *dO;         /* (rows, hr) of one head */
	float *s, *dp, *slope; /* (rows, ls) probabilities, the gradient by them, slopes of the cap
				  where there is one */
	uint32_t *a, *pairs;   /* what a product in bf16 packs */
	struct att_how how;
};

static struct att_back att_back(size_t T, size_t hd, struct att_how how, float *scratch)
{
	size_t hr = vec_round(hd), keys = att_keys_size(T, hd, how.half);
	struct att_back b = {.hd = hd,
			     .hr = hr,
			     .ls = vec_round(T),
			     .rows = att_block_rows(how.half),
			     .how = how};

	b.k = b.v = (struct att_kv){scratch, scratch + keys, hd, 1, 0, how};
	b.v.keys = b.k.values + att_values_size(T, hd, how.half);
	b.dk = b.v.keys + keys;
	b.dv = b.dk + T * hr;
	b.q = b.dv + T * hr;
	b.dO = b.q + b.rows * hr;
	b.s = b.dO + b.rows * hr;
	b.dp = b.s + b.rows * b.ls;
	b.slope = b.dp + b.rows * b.ls;
	b.pairs = (uint32_t *)(b.slope + b.rows * b.ls);
	b.a = b.pairs + gemm_pair_words(hd, b.rows);
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

/* Takes keys and values behind the first `before`; their gradients begin at 0. */
static void take_keys(struct att_back *b, struct cmatrix k, struct cmatrix v, size_t before)
{
	size_t at = before * b->hr, n = k.rows * b->hr;

	put_keys(b->k, before, k);
	put_values(b->k, before, k);
	put_keys(b->v, before, v);
	memset(b->dk + at, 0, n * sizeof *b->dk);
	memset(b->dv + at, 0, n * sizeof *b->dv);
}

/* One head's queries, rows of (n, hd) */
struct att_head {
	struct matrix dq;
	struct cmatrix q, o, d_o;
};

/* slope = 1 - tanh^2(scale z / c) of z = q k': dS by the scores before the cap is dS times that. */
static void cap_slopes(const struct att_back *b, struct cmatrix q, struct att_kv k, size_t n)
{
	struct matrix z = matrix_of(b->slope, q.rows, vec_round(n), b->ls);
	float scale = scale_of(b->how, b->hd) / b->how.cap;

	key_product(z, q, k, b->a);
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

/* out (keys, hd) += p' x; p (rows, keys), x (rows, hd) */
static void add_product(const struct att_back *b, float *out, struct cmatrix p, struct cmatrix x)
{
	struct panels rows = {x.p, x.ld, PANEL, NULL};

	if (!b->how.half) {
		gemm(GEMM_ADD | GEMM_TRANSPOSED, p, rows, matrix_of(out, p.cols, b->hr, b->hr));
		return;
	}
	bf16_columns(b->a, p);
	gemm_pair_columns(b->pairs, x);
	bf16_gemm(GEMM_ADD | GEMM_TRANSPOSED, b->a, x.rows, gemm_pair_view(b->pairs, x.rows),
		  matrix_of(out, p.cols, b->hd, b->hr));
}

/* dZ, in b->dp, and P, in b->s, of rows t .. of one head's queries over `seen` keys, of which the
 * first row sees first_n */
static void scores_back(struct att_back *b, const struct att_head *a, size_t t, struct att_kv k,
			struct att_kv v, size_t first_n)
{
	size_t rows = a->q.rows - t < b->rows ? a->q.rows - t : b->rows, seen = first_n + rows - 1;
	struct cmatrix q = matrix_in(b->q, rows, b->hd, b->hr);
	struct cmatrix dO = matrix_in(b->dO, rows, b->hd, b->hr);
	struct matrix dp = matrix_of(b->dp, rows, seen, b->ls);

	probabilities(matrix_of(b->s, rows, seen, b->ls), q, k, first_n, true, b->a);
	key_product(dp, dO, v, b->a);
	scores_backward(dp, b->s, part_in(a->o, t, rows, 0, b->hd), dO, scale_of(b->how, b->hd));
	if (b->how.cap > 0) {
		cap_slopes(b, q, k, seen);
		apply_slopes(b, dp);
	}
}

/*
 * dV += P' dO, dP = dO V', dZ as above, dQ = dZ K, dK += dZ' Q, for a block of rows from t on of
 * one head's queries behind the first `before` keys.
 */
static void rows_back(struct att_back *b, const struct att_head *a, size_t before, size_t t)
{
	size_t rows = a->q.rows - t < b->rows ? a->q.rows - t : b->rows, hd = b->hd;
	size_t skip = skipped(b->how, before + t + 1), seen = before + t + rows - skip;
	struct att_kv k = behind(b->k, skip), v = behind(b->v, skip);
	struct cmatrix p = matrix_in(b->s, rows, seen, b->ls);
	struct cmatrix dz = matrix_in(b->dp, rows, seen, b->ls);

	gather_rows(b->q, part_in(a->q, t, rows, 0, hd));
	gather_rows(b->dO, part_in(a->d_o, t, rows, 0, hd));
	if (b->how.half) { /* once, so that all products have the same dO */
		round_rows(b->q, rows * b->hr);
		round_rows(b->dO, rows * b->hr);
	}
	scores_back(b, a, t, k, v, before + t + 1 - skip);
	value_product(0, part_of(a->dq, t, rows, 0, hd), dz, k, b->a);
	add_product(b, b->dk + skip * b->hr, dz, matrix_in(b->q, rows, hd, b->hr));
	add_product(b, b->dv + skip * b->hr, p, matrix_in(b->dO, rows, hd, b->hr));
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
	b = att_back(prefix + longest, hd, p->how, scratch);
	for (size_t s = 0; s < p->n; s++) {
		size_t at = p->start[s] - p->start[0], len = p->start[s + 1] - p->start[s];
		size_t before = s ? prefix : 0, own = before * b.hr;

		take_keys(&b, part_in(p->k, at, len, 0, hd), part_in(p->v, at, len, 0, hd), before);
		for (size_t h = 0; h < rep; h++) {
			struct att_head a = {
				part_of(p->dq, at, len, h, hd), part_in(p->q, at, len, h, hd),
				part_in(p->o, at, len, h, hd), part_in(p->d_o, at, len, h, hd)};

			for (size_t t = 0; t < len; t += b.rows)
				rows_back(&b, &a, before, t);
		}
		if (s) {
			scatter_rows(part_of(p->dk, at, len, 0, hd), b.dk + own);
			scatter_rows(part_of(p->dv, at, len, 0, hd), b.dv + own);
		}
	}
	scatter_rows(part_of(p->dk, 0, prefix, 0, hd), b.dk);
	scatter_rows(part_of(p->dv, 0, prefix, 0, hd), b.dv);
}
