/* gemm.c - the matrix product in f32. See gemm.h. */
#if defined(__GNUC__) && !defined(__clang__)
/* At -O3 gcc makes a second version of the kernel for unit strides, spills both and halves the
 * speed. */
#pragma GCC optimize("no-version-loops-for-strides")
#endif
#include "tensor/gemm.h"
#include "tensor/half.h"
#include "tensor/tile.h"
#include "tensor/turn.h"

#include <assert.h>

/* Adds one row of B, nv vectors wide, times the column of A at a and low (tile.h). */
ALWAYS_INLINE void rank_one(int mr, int nv, vf acc[TILE_MR][GEMM_NV], const vf row[GEMM_NV],
			    const float *a, const float *low, size_t rs)
{
#pragma GCC unroll 8
	for (int i = 0; i < mr; i++) {
		vf s = tile_left(a, low, i, rs);

#pragma GCC unroll 4
		for (int j = 0; j < nv; j++)
			acc[i][j] = vf_fma(s, row[j], acc[i][j]);
	}
}

/* A row of B in f32; stride: from one panel to the next */
ALWAYS_INLINE void load_row(int nv, vf row[GEMM_NV], const float *b, size_t stride)
{
#pragma GCC unroll 4
	for (int j = 0; j < nv; j++)
		row[j] = vf_load(b + tile_column(j, stride));
}

/* One tile: A's element (i, x) is a[i * rs + x * cs]; b and c as in gemm, from the tile's corner
 * on. */
struct spot {
	size_t k;
	const float *a;
	size_t rs, cs;
	struct panels b;
	float *c;
	size_t ldc;
	bool add;
	/* What is asked for early, a line each step, `next` floats apart. Of copied parts UNROLL
	 * steps ask for one of each panel, those `apart` floats apart, and UNROLL tiles for all. */
	const float *early;
	size_t next, apart;
	const float *soon; /* the C of the next tile */
	size_t step;       /* from a row's B to the next one's, where each has its own */
};

enum { UNROLL = 4 };

/* mr x nv vectors of C; mr, nv, half and copied are constants where it is inlined, so acc lives in
 * registers. half: B is in bf16, else in f32. copied: A is as left_copy puts it, B in packed
 * panels; then steps are constants too, and take fewer instructions. */
ALWAYS_INLINE void tile(int mr, int nv, bool half, bool copied, const struct spot *t)
{
	vf acc[TILE_MR][GEMM_NV], row[GEMM_NV];
	const float *a = t->a, *p = t->b.p, *early = t->early;
	const uint32_t *h = t->b.pairs;
	size_t k = t->k, stride = t->b.stride, ldc = t->ldc, next = t->next, x = 0;
	size_t rs = copied ? 1 : t->rs;
	size_t cs = copied ? TILE_MR : t->cs;
	size_t ld = copied ? PANEL : t->b.ld;
	const float *low = tile_low(mr, a, rs);

#pragma GCC unroll 8
	for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
		for (int j = 0; j < nv; j++) {
			size_t at = (size_t)i * ldc + (size_t)j * VL;

			acc[i][j] = t->add ? vf_load(t->c + at) : vf_set(0.0f);
			if (t->add)
				__builtin_prefetch(t->soon + at, 1, 3);
		}
	for (; half && x + 2 <= k; x += 2, a += 2 * cs, low += 2 * cs, h += ld, early += next) {
		__builtin_prefetch(early, 0, 2);
		tile_row(nv, row, h, stride, false);
		rank_one(mr, nv, acc, row, a, low, rs);
		tile_row(nv, row, h, stride, true);
		rank_one(mr, nv, acc, row, a + cs, low + cs, rs);
	}
	if (half && x < k) {
		tile_row(nv, row, h, stride, false);
		rank_one(mr, nv, acc, row, a, low, rs);
	}
	for (; copied && x + UNROLL <= k; x += UNROLL) {
#pragma GCC unroll 4
		for (int j = 0; j < nv * VL; j += PANEL)
			__builtin_prefetch(early + (size_t)j / PANEL * t->apart, 0, 2);
		early += UNROLL * next;
#pragma GCC unroll 4
		for (size_t u = 0; u < UNROLL; u++) {
			load_row(nv, row, p + u * ld, stride);
			rank_one(mr, nv, acc, row, a + u * cs, low + u * cs, rs);
		}
		a += UNROLL * cs;
		low += UNROLL * cs;
		p += UNROLL * ld;
	}
	for (; !half && x < k; x++, a += cs, low += cs, p += ld, early += next) {
		__builtin_prefetch(early, 0, 2);
		load_row(nv, row, p, stride);
		rank_one(mr, nv, acc, row, a, low, rs);
	}
#pragma GCC unroll 8
	for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
		for (int j = 0; j < nv; j++)
			vf_store(t->c + (size_t)i * ldc + (size_t)j * VL, acc[i][j]);
}

#define SPOT_TILE(NAME, MR, NV, HALF)          \
	static void NAME(const struct spot *t) \
	{                                      \
		tile(MR, NV, HALF, false, t);  \
	}
#define SPOT_TILES(KIND, NV, HALF)           \
	SPOT_TILE(KIND##1_##NV, 1, NV, HALF) \
	SPOT_TILE(KIND##2_##NV, 2, NV, HALF) \
	SPOT_TILE(KIND##3_##NV, 3, NV, HALF) \
	SPOT_TILE(KIND##4_##NV, 4, NV, HALF) \
	SPOT_TILE(KIND##5_##NV, 5, NV, HALF) \
	SPOT_TILE(KIND##6_##NV, 6, NV, HALF)
#define SPOT_ROW(KIND, NV)                                                                         \
	{                                                                                          \
		KIND##1_##NV, KIND##2_##NV, KIND##3_##NV, KIND##4_##NV, KIND##5_##NV, KIND##6_##NV \
	}

SPOT_TILES(full, 1, false)
SPOT_TILES(full, 2, false)
SPOT_TILES(half, 1, true)
SPOT_TILES(half, 2, true)
#if GEMM_NV > 2
SPOT_TILES(full, 3, false)
SPOT_TILES(full, 4, false)
SPOT_TILES(half, 3, true)
SPOT_TILES(half, 4, true)
#endif

#if VEC_LANES == 16
#define TALL_TILES(KIND, NV, HALF)           \
	SPOT_TILE(KIND##7_##NV, 7, NV, HALF) \
	SPOT_TILE(KIND##8_##NV, 8, NV, HALF)
#define TALL_ROW(KIND, NV)                 \
	{                                  \
		KIND##7_##NV, KIND##8_##NV \
	}
TALL_TILES(full, 1, false)
TALL_TILES(full, 2, false)
TALL_TILES(full, 3, false)
TALL_TILES(half, 1, true)
TALL_TILES(half, 2, true)
TALL_TILES(half, 3, true)
#endif

typedef void tile_fn(const struct spot *t);

static tile_fn *const tiles[2][GEMM_NV][GEMM_MR] = {
	{
		SPOT_ROW(full, 1),
		SPOT_ROW(full, 2),
#if GEMM_NV > 2
		SPOT_ROW(full, 3),
		SPOT_ROW(full, 4),
#endif
	},
	{
		SPOT_ROW(half, 1),
		SPOT_ROW(half, 2),
#if GEMM_NV > 2
		SPOT_ROW(half, 3),
		SPOT_ROW(half, 4),
#endif
	},
};

#define COPIED_TILE(NV)                              \
	static void copied##NV(const struct spot *t) \
	{                                            \
		tile(TILE_MR, NV, false, true, t);   \
	}

/* For whole tiles of copied parts, which most of a large product is made of */
#if VEC_LANES == 16
COPIED_TILE(1)
COPIED_TILE(2)
COPIED_TILE(3)
static tile_fn *const copied[GEMM_NV] = {copied1, copied2, copied3};
#elif VEC_LANES == 8
COPIED_TILE(2)
static tile_fn *const copied[GEMM_NV] = {NULL, copied2};
#else
COPIED_TILE(4)
static tile_fn *const copied[GEMM_NV] = {NULL, NULL, NULL, copied4};
#endif

static tile_fn *copied_tile(const struct spot *t, size_t nv, size_t mr)
{
	bool packed = !t->b.pairs && t->b.ld == PANEL;

	return packed && mr == TILE_MR && t->rs == 1 && t->cs == TILE_MR ? copied[nv - 1] : NULL;
}

static tile_fn *tile_of(bool half, size_t nv, size_t mr)
{
#if VEC_LANES == 16
	static tile_fn *const tall[2][TILE_PANELS][2] = {
		{TALL_ROW(full, 1), TALL_ROW(full, 2), TALL_ROW(full, 3)},
		{TALL_ROW(half, 1), TALL_ROW(half, 2), TALL_ROW(half, 3)},
	};

	if (mr > GEMM_MR)
		return tall[half][nv - 1][mr - GEMM_MR - 1];
#endif
	return tiles[half][nv - 1][mr - 1];
}

void gemm_pack_rows(float *dst, const float *w, size_t n, size_t k)
{
	assert(!n || !k || (dst && w && dst != w));
	for (size_t p = 0; p < n; p += PANEL, dst += k * PANEL) {
		size_t some = n - p < PANEL ? n - p : PANEL;

		turn(dst, PANEL, w + p * k, k, some, k);
		for (size_t x = 0; some < PANEL && x < k; x++)
			memset(dst + x * PANEL + some, 0, (PANEL - some) * sizeof *dst);
	}
}

/* The words of row `row`, one pair of columns after the other: stride PANEL */
static size_t pair_at(size_t row, size_t k)
{
	return row / PANEL * PANEL * ((k + 1) / 2) + row % PANEL;
}

/* Rows and words that are transposed at a time: whole lines of the cache on both sides */
enum { TURN_ROWS = PANEL, TURN_WORDS = 16 };

/* Words x..x + n of a row of k floats */
static void row_words(uint32_t *dst, const float *w, size_t x, size_t n, size_t k)
{
	size_t full = 2 * (x + n) > k ? n - 1 : n, i = 0;
	const float *from = w + 2 * x;

	for (; i + VL <= full; i += VL)
		*(vec_words *)(dst + i) =
			vec_pairs(vf_load(from + 2 * i), vf_load(from + 2 * i + VL));
	for (; i < full; i++)
		dst[i] = half_bf16_pair(w[2 * (x + i)], w[2 * (x + i) + 1]);
	if (full < n)
		dst[full] = half_bf16_bits(w[k - 1]) >> 16;
}

/* n words of each of `rows` rows, turned: word i of row r goes to row i of the panel that has r. */
static void put_words(uint32_t *dst, uint32_t t[TURN_ROWS][TURN_WORDS], size_t first, size_t rows,
		      size_t n, size_t k)
{
	for (size_t r = 0, some; r < rows; r += some) {
		size_t room = PANEL - (first + r) % PANEL;

		some = rows - r < room ? rows - r : room;
		turn((float *)(dst + pair_at(first + r, k)), PANEL, (const float *)t[r], TURN_WORDS,
		     some, n);
	}
}

void gemm_pair_rows(uint32_t *dst, size_t first, struct cmatrix w)
{
	size_t k = w.cols, words = (k + 1) / 2;

	assert(dst && w.p && w.ld >= k);
	for (size_t i = 0; i < w.rows; i += TURN_ROWS)
		for (size_t x = 0; x < words; x += TURN_WORDS) {
			size_t n = words - x < TURN_WORDS ? words - x : TURN_WORDS;
			size_t some = w.rows - i < TURN_ROWS ? w.rows - i : TURN_ROWS;
			uint32_t t[TURN_ROWS][TURN_WORDS];

			for (size_t r = 0; r < some; r++)
				row_words(t[r], w.p + (i + r) * w.ld, x, n, k);
			put_words(dst + x * PANEL, t, first + i, some, n, k);
		}
}

void gemm_pair_columns(uint32_t *dst, struct cmatrix b)
{
	size_t stride = (b.rows + 1) / 2 * PANEL;

	assert(dst && b.p && b.ld >= b.cols);
	for (size_t x = 0; x < b.rows; x += 2, dst += PANEL)
		for (size_t j = 0; j < b.cols; j += PANEL)
			vec_pair_rows(dst + j / PANEL * stride, b.p + x * b.ld + j,
				      x + 1 < b.rows ? b.p + (x + 1) * b.ld + j : NULL,
				      b.cols - j < PANEL ? b.cols - j : PANEL);
}

void gemm_unpair_rows(float *w, const uint32_t *src, size_t first, size_t rows, size_t k)
{
	size_t words = (k + 1) / 2;

	assert(w && src);
	for (size_t i = 0; i < rows; i += TURN_ROWS)
		for (size_t x = 0; x < words; x += TURN_WORDS) {
			size_t n = words - x < TURN_WORDS ? words - x : TURN_WORDS;
			size_t some = rows - i < TURN_ROWS ? rows - i : TURN_ROWS;

			for (size_t r = 0; r < some; r++) {
				const uint32_t *from = src + pair_at(first + i + r, k) + x * PANEL;
				float *to = w + (i + r) * k + 2 * x;

				for (size_t j = 0; j < n; j++, from += PANEL) {
					to[2 * j] = half_from_bf16((uint16_t)*from);
					if (2 * (x + j) + 1 < k)
						to[2 * j + 1] =
							half_from_bf16((uint16_t)(*from >> 16));
				}
			}
		}
}

/* Columns that do not fill a vector go through a tile of our own. */
static void own_tile(tile_fn *fn, size_t mr, size_t cols, const struct spot *s)
{
	float t[TILE_MR * GEMM_WIDE];
	struct spot own = *s;

	own.c = t;
	own.ldc = GEMM_WIDE;
	for (size_t i = 0; s->add && i < mr; i++)
		memcpy(t + i * GEMM_WIDE, s->c + i * s->ldc, cols * sizeof *t);
	fn(&own);
	for (size_t i = 0; i < mr; i++)
		memcpy(s->c + i * s->ldc, t + i * GEMM_WIDE, cols * sizeof *t);
}

/* What every product may rely on. */
static void check_product(int how, struct cmatrix a, struct matrix c)
{
	bool across = how & GEMM_TRANSPOSED;

	assert(!(how & ~(GEMM_ADD | GEMM_TRANSPOSED)));
	assert((across ? a.cols : a.rows) == c.rows);
	assert(a.ld >= a.cols && c.ld >= c.cols);
	assert(a.p != c.p || !c.rows);
	(void)how;
	(void)across;
	(void)a;
	(void)c;
}

/* Rows of A as tiles read them: element (i, x) is x * cs + i % TILE_MR * rs from p + i / TILE_MR *
 * block. */
struct left {
	const float *p;
	size_t block, rs, cs;
};

static struct left left_of(int how, struct cmatrix a)
{
	bool across = how & GEMM_TRANSPOSED;
	size_t rs = across ? 1 : a.ld;

	return (struct left){a.p, TILE_MR * rs, rs, across ? a.ld : 1};
}

/* What comes after the B at hand: asked for early, a line each step */
struct coming {
	const float *p;
	size_t ld, lines, apart; /* apart: floats from a line of a row to its next */
};

enum { AHEAD = 1024 }; /* rows of a panel */

/* The next panel, or as many as the tile is wide; of a deep one first more of itself, which the
 * next one lies behind. */
static struct coming coming_of(struct panels b, size_t k, size_t wide)
{
	size_t rows = b.pairs ? (k + 1) / 2 : k, step = wide / PANEL * b.stride;
	const float *p = b.pairs ? (const float *)b.pairs : b.p;

	if (wide == PANEL && b.stride == rows * PANEL && rows > AHEAD)
		step = AHEAD * PANEL;
	return (struct coming){p + step, b.ld, wide / PANEL, b.stride};
}

/* What the n-th tile begins with, of those where UNROLL steps ask for a line of each of their
 * panels */
static const float *early_of(const struct coming *e, size_t n, size_t wide)
{
	size_t panels = wide / PANEL, turns = e->lines / panels;

	return e->p + n % UNROLL * e->ld + n / UNROLL % turns * panels * e->apart;
}

/* The panel that holds column j, and those behind it */
static struct panels panels_at(struct panels b, size_t j)
{
	if (b.pairs)
		b.pairs += j / PANEL * b.stride;
	else
		b.p += j / PANEL * b.stride;
	return b;
}

/*
 * C(i, j) = sum over x = 0, 1, ..., k - 1 of A(i, x) B(x, j), one chain of fused multiply-adds.
 *
 * While a panel is used from the cache the next one comes from memory: each tile asks for another
 * line of what is coming, or of `next`.
 */
static void tile_all(int how, struct left a, size_t k, struct panels b, const struct coming *next,
		     struct matrix c)
{
	struct spot t = {.k = k, .rs = a.rs, .cs = a.cs, .ldc = c.ld, .add = how & GEMM_ADD};
	size_t n = 0;

	for (size_t j = 0, wide; j < c.cols; j += wide) {
		size_t cols, nv;
		struct coming e;

		wide = tile_width(c.rows, c.cols - j);
		cols = c.cols - j < wide ? c.cols - j : wide;
		nv = (cols + VL - 1) / VL;
		t.b = panels_at(b, j);
		e = next ? *next : coming_of(t.b, k, wide);
		t.next = e.ld;
		t.apart = e.apart;
		for (size_t i = 0, mr; i < c.rows; i += mr, n++) {
			tile_fn *fn;

			mr = tile_height(c.rows - i, a.block == TILE_MR * a.rs);
			fn = c.rows < UNROLL * TILE_MR ? NULL : copied_tile(&t, nv, mr);
			t.early = fn ? early_of(&e, n, wide) : e.p + n % e.lines * e.apart;
			if (!fn)
				fn = tile_of(b.pairs != NULL, nv, mr);
			t.a = a.p + i / TILE_MR * a.block + i % TILE_MR * a.rs;
			t.c = c.p + i * c.ld + j;
			t.soon = i + mr < c.rows ? t.c + mr * c.ld : c.p + j + wide;
			if (cols % VL)
				own_tile(fn, mr, cols, &t);
			else
				fn(&t);
		}
	}
}

/*
 * A large product goes over parts of A that are copied, where that pays, in the order in which
 * tiles read them, and over as much of each panel as stays in the first cache while they pass: rows
 * that lie a power of two apart would push each other out. A chain goes on from one part to the
 * next.
 */
enum {
	PART_K = 256,           /* even: pairs are not cut */
	PART_ROWS = 192,        /* whole tiles */
	PART_COLS = 48,         /* of a B in rows copied together: whole tiles */
	WORTH_ROWS = 16,        /* with fewer rows or columns the copies cost more than they save */
	WORTH_COLS = 8 * PANEL, /* a copied row of A serves as many tiles */
	FEW_COLS = 32 * PANEL,  /* see worth_left */
	FAR_APART = 1024,       /* floats of a page */
	APART = FAR_APART / 4   /* rows that lie a multiple of it apart meet in a few sets */
};

_Static_assert(PART_ROWS % TILE_MR == 0 && PART_COLS % (TILE_PANELS * PANEL) == 0 &&
		       PART_K % 2 == 0,
	       "parts are whole tiles");

static bool worth_parts(struct matrix c)
{
	return c.rows >= WORTH_ROWS && c.cols >= WORTH_COLS;
}

/* Whether tiles take several panels, and so wait little for B */
static bool wide_tiles(void)
{
	return TILE_PANELS > 1 && tile_panels > 1;
}

/* Those read A as it is where a step takes the next float of a row, not half a line further on. Of
 * a single panel they bear the latter, but for lines that push each other out, and not for many
 * columns, which would read A over and over. */
static bool worth_left(struct left a, struct matrix c)
{
	if (TILE_FEW == 0)
		return true;
	if (wide_tiles())
		return a.rs == 1;
	return c.cols > FEW_COLS || a.cs >= FAR_APART;
}

/* Few rows of C pay for no copy of B where wide tiles bear it as it is; the gradients of weights,
 * whose A is copied, have many. */
static bool worth_right(int how, struct cmatrix b)
{
	return !wide_tiles() || how & GEMM_TRANSPOSED || b.ld % FAR_APART == 0;
}

/* Copies rows x n of A to `to`. */
static struct left left_copy(float *to, struct left a, size_t rows, size_t n)
{
	struct left own = {to, TILE_MR * n, 1, TILE_MR};

	for (size_t i = 0; i < rows; i += TILE_MR, a.p += a.block) {
		size_t mr = rows - i < TILE_MR ? rows - i : TILE_MR;
		bool whole = a.rs == 1 && mr == TILE_MR;

		for (size_t x = 0; x < n; x++, to += TILE_MR)
			if (whole)
				memcpy(to, a.p + x * a.cs, TILE_MR * sizeof *to);
			else
				for (size_t r = 0; r < mr; r++)
					to[r] = a.p[r * a.rs + x * a.cs];
	}
	return own;
}

/* Copies a B of n rows to panels that lie PART_K rows apart; columns to the end of the last panel
 * are read. */
static struct panels panels_copy(float *to, struct cmatrix b)
{
	for (size_t x = 0; x < b.rows; x++)
		for (size_t j = 0; j < b.cols; j += PANEL)
			memcpy(to + j * PART_K + x * PANEL, b.p + x * b.ld + j, PANEL * sizeof *to);
	return (struct panels){to, PANEL, PART_K * PANEL, NULL};
}

/* The panels from row x on */
static struct panels panels_from(struct panels b, size_t x)
{
	if (b.pairs)
		b.pairs += x / 2 * b.ld;
	else
		b.p += x * b.ld;
	return b;
}

/* Which part of each chain: n steps from step x on */
struct part {
	size_t x, n;
};

typedef void part_fn(int how, struct left a, struct part at, const void *b, struct matrix c);

static void part_panels(int how, struct left a, struct part at, const void *b, struct matrix c)
{
	tile_all(how, a, at.n, panels_from(*(const struct panels *)b, at.x), NULL, c);
}

static void part_rows(int how, struct left a, struct part at, const void *b, struct matrix c)
{
	const struct cmatrix *in = b;
	_Alignas(64) float own[PART_COLS * PART_K];

	for (size_t j = 0; j < c.cols; j += PART_COLS) {
		size_t cols = c.cols - j < PART_COLS ? c.cols - j : PART_COLS;
		struct cmatrix some = matrix_in(in->p + at.x * in->ld + j, at.n, cols, in->ld);
		struct coming next = {some.p + cols, in->ld, PART_COLS / PANEL, PANEL};

		tile_all(how, a, at.n, panels_copy(own, some), &next,
			 matrix_of(c.p + j, c.rows, cols, c.ld));
	}
}

static void part_each(int how, struct left a, size_t k, part_fn *fn, const void *b, struct matrix c)
{
	_Alignas(64) float own[PART_ROWS * PART_K];
	struct part at;

	for (at.x = 0; at.x < k; at.x += PART_K) {
		at.n = k - at.x < PART_K ? k - at.x : PART_K;
		for (size_t i = 0; i < c.rows; i += PART_ROWS) {
			size_t rows = c.rows - i < PART_ROWS ? c.rows - i : PART_ROWS;
			struct left some = a;

			some.p += i * a.rs + at.x * a.cs;
			if (worth_left(a, c))
				some = left_copy(own, some, rows, at.n);
			fn(at.x ? how | GEMM_ADD : how, some, at, b,
			   matrix_of(c.p + i * c.ld, rows, c.cols, c.ld));
		}
	}
}

void gemm(int how, struct cmatrix a, struct panels b, struct matrix c)
{
	size_t k = how & GEMM_TRANSPOSED ? a.rows : a.cols;

	check_product(how, a, c);
	assert((b.pairs || b.p) && b.ld >= (c.cols < PANEL ? c.cols : PANEL));
	assert(b.stride || c.cols <= PANEL); /* panels do not lie on each other */
	/* with AVX-512 tiles are as quick where A and B come from the second cache */
	if (TILE_FEW == 0 && k && worth_parts(c))
		part_each(how, left_of(how, a), k, part_panels, &b, c);
	else
		tile_all(how, left_of(how, a), k, b, NULL, c);
}

void gemm_rows(int how, struct cmatrix a, struct cmatrix b, struct matrix c)
{
	struct panels in_rows = {.p = b.p, .ld = b.ld, .stride = PANEL};
	bool copy = worth_right(how, b);

	check_product(how, a, c);
	assert(b.p && b.rows >= 1);
	assert(b.rows == (how & GEMM_TRANSPOSED ? a.rows : a.cols));
	assert(b.cols == c.cols && b.ld >= b.cols);
	if (!worth_parts(c) || (!copy && b.ld % APART != 0))
		tile_all(how, left_of(how, a), b.rows, in_rows, NULL, c);
	else if (copy)
		part_each(how, left_of(how, a), b.rows, part_rows, &b, c);
	else
		part_each(how, left_of(how, a), b.rows, part_panels, &in_rows, c);
}

enum { EACH = 4 }; /* rows, each with its own B, at a time */

ALWAYS_INLINE void each(int mr, int nv, const struct spot *t)
{
	vf acc[EACH][GEMM_NV], row[GEMM_NV];
	size_t k = t->k, ldc = t->ldc;
	const struct panels b = t->b;

#pragma GCC unroll 4
	for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
		for (int j = 0; j < nv; j++)
			acc[i][j] = t->add ? vf_load(t->c + (size_t)i * ldc + (size_t)j * VL)
					   : vf_set(0.0f);
	for (size_t x = 0; x < k; x++)
#pragma GCC unroll 4
		for (int i = 0; i < mr; i++) {
			vf s = vf_set(t->a[(size_t)i * t->rs + x]);

			load_row(nv, row, b.p + (size_t)i * t->step + x * b.ld, b.stride);
#pragma GCC unroll 4
			for (int j = 0; j < nv; j++)
				acc[i][j] = vf_fma(s, row[j], acc[i][j]);
		}
#pragma GCC unroll 4
	for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
		for (int j = 0; j < nv; j++)
			vf_store(t->c + (size_t)i * ldc + (size_t)j * VL, acc[i][j]);
}

#define EACH_TILE(NAME, MR, NV)                \
	static void NAME(const struct spot *t) \
	{                                      \
		each(MR, NV, t);               \
	}
#define EACH_OF(NV)                  \
	EACH_TILE(each1_##NV, 1, NV) \
	EACH_TILE(each##NV, EACH, NV)

EACH_OF(1)
EACH_OF(2)
#if GEMM_NV > 2
EACH_OF(3)
EACH_OF(4)
#endif

static tile_fn *const eaches[GEMM_NV][2] = {
	{each1_1, each1},
	{each1_2, each2},
#if GEMM_NV > 2
	{each1_3, each3},
	{each1_4, each4},
#endif
};

/* C(i, j) = sum over x of A(i, x) B_i(x, j), B_i = b + i * step */
void gemm_each(int how, struct cmatrix a, struct panels b, size_t step, struct matrix c)
{
	struct spot t = {.k = a.cols, .rs = a.ld, .ldc = c.ld, .add = how & GEMM_ADD, .step = step};

	check_product(how, a, c);
	assert(b.p && !b.pairs && !(how & GEMM_TRANSPOSED));
	for (size_t i = 0, mr; i < c.rows; i += mr) {
		mr = c.rows - i < EACH ? 1 : EACH;
		t.a = a.p + i * a.ld;
		for (size_t j = 0; j < c.cols; j += GEMM_WIDE) {
			size_t cols = c.cols - j < GEMM_WIDE ? c.cols - j : GEMM_WIDE;

			t.b = b;
			t.b.p += i * step + j / PANEL * b.stride;
			t.c = c.p + i * c.ld + j;
			eaches[(cols + VL - 1) / VL - 1][mr > 1](&t);
		}
	}
}
