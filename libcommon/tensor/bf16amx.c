/*
 * bf16amx.c - the matrix product in bf16 on tiles (AMX), for the set amx. See bf16.h.
 *
 * A tile register holds 16 rows of 64 bytes: of C 16 x 16 floats, of A 16 rows of 16 pairs, of B 16
 * pairs of k by 16 columns, a piece of a panel as it lies. Two by two tiles of C share what they
 * load; what is left of the rows, 16 and fewer, goes one by four.
 */
#include "tensor/bf16.h"
#include "tensor/half.h"
#include "tensor/turn.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#ifdef TILES /* a test's, in plain C */
#include TILES
#else
/* A constant names a tile. What is loaded was written before, also where the compiler would see
 * nobody read it. */
#define TILE_ROWS(p, row) "r"(p), "r"((size_t)(row))
#define TILE_CONFIG(p) __asm__ volatile("ldtilecfg (%0)" ::"r"(p) : "memory")
#define TILE_LOAD(t, p, row) \
	__asm__ volatile("tileloadd (%0,%1,1), %%tmm" #t ::TILE_ROWS(p, row) : "memory")
#define TILE_STORE(t, p, row) \
	__asm__ volatile("tilestored %%tmm" #t ", (%0,%1,1)" ::TILE_ROWS(p, row) : "memory")
#define TILE_ZERO(t) __asm__ volatile("tilezero %tmm" #t)
#define TILE_DOT(c, a, b) __asm__ volatile("tdpbf16ps %tmm" #b ", %tmm" #a ", %tmm" #c)
#define TILE_RELEASE() __asm__ volatile("tilerelease")
#endif

enum {
	SIDE = 16,       /* rows of a tile, pairs or columns in a row */
	LINE = 64,       /* bytes of a line of the cache */
	STAYS = 1 << 20, /* bytes of A that stay in the second cache while all of B passes */
};

static size_t row_words(size_t k)
{
	return (k + BF16_BLOCK - 1) / BF16_BLOCK * SIDE;
}

/* A is rows of pairs, filled up with zeros to whole blocks. */
void bf16_rows(uint32_t *dst, struct cmatrix x)
{
	size_t words = row_words(x.cols);

	assert(dst && x.p && x.ld >= x.cols);
	for (size_t r = 0; r < x.rows; r++, dst += words) {
		const float *from = x.p + r * x.ld;
		size_t pairs = x.cols / 2, i = 0;

		for (; i + VL <= pairs; i += VL, from += 2 * VL) {
			__builtin_prefetch(from + x.ld);
			__builtin_prefetch(from + x.ld + VL);
			*(vec_words *)(dst + i) = vec_pairs(vf_load(from), vf_load(from + VL));
		}
		for (; i < pairs; i++, from += 2)
			dst[i] = half_bf16_pair(from[0], from[1]);
		for (; i < words; i++)
			dst[i] = 0;
		if (x.cols & 1)
			dst[pairs] = half_bf16_bits(*from) >> 16;
	}
}

/* Rows first.. of X as SIDE rows of pairs, `some` columns of them; behind the last row of X there
 * are zeros. */
static void pair_block(uint32_t t[SIDE][SIDE], struct cmatrix x, size_t first, size_t column,
		       size_t some)
{
	for (size_t p = 0; p < SIDE; p++) {
		size_t row = first + 2 * p;
		const float *a = x.p + row * x.ld + column;

		if (row < x.rows)
			vec_pair_rows(t[p], a, row + 1 < x.rows ? a + x.ld : NULL, some);
		else
			memset(t[p], 0, some * sizeof *t[p]);
	}
}

void bf16_columns(uint32_t *dst, struct cmatrix x)
{
	size_t words = row_words(x.rows);

	assert(dst && x.p && x.ld >= x.cols);
	for (size_t i = 0; i < x.rows; i += BF16_BLOCK)
		for (size_t j = 0; j < x.cols; j += SIDE) {
			size_t some = x.cols - j < SIDE ? x.cols - j : SIDE;
			uint32_t t[SIDE][SIDE];

			pair_block(t, x, i, j, some);
			turn((float *)(dst + j * words + i / 2), words, (const float *)t, SIDE,
			     SIDE, some);
		}
}

/* ---- the product ---- */

struct work {
	const uint32_t *a; /* rows of `words` words, whole blocks */
	size_t words, pairs;
	struct panels b;
	struct matrix c;
	bool add;
};

/* Panels that lie side by side, and where their pairs end within a block: that one copied, and
 * filled up with zeros */
struct strip {
	const uint32_t *panel[4];
	uint32_t end[4][SIDE * SIDE];
	const char *next; /* what is asked for while it is multiplied, */
	size_t lines;     /* so many lines a block of k */
};

/* Tiles 0 to 3 are of C, 4 and 5 of A, 6 and 7 of B. upper, lower: rows of the two rows of tiles;
 * lower 0: there is one row of four. */
static void configure(size_t upper, size_t lower)
{
	struct {
		uint8_t palette, start, zero[14];
		uint16_t bytes[16]; /* of a row */
		uint8_t rows[16];
	} c = {.palette = 1};

	for (int i = 0; i < 8; i++) {
		bool below = lower && (i == 2 || i == 3 || i == 5);

		c.bytes[i] = 4 * SIDE;
		c.rows[i] = (uint8_t)(i >= 6 ? SIDE : below ? lower : upper);
	}
	TILE_CONFIG(&c);
}

static const uint32_t *part(const struct work *w, const struct strip *s, int n, size_t x)
{
	return x + SIDE <= w->pairs ? s->panel[n] + x * w->b.ld : s->end[n];
}

/* Bytes from a row of it to the next */
static size_t part_row(const struct work *w, size_t x)
{
	return 4 * (x + SIDE <= w->pairs ? w->b.ld : SIDE);
}

/* Tiles 0 and 1 are at c, 2 and 3 at more; row: bytes from a row to the next. */
static void begin_tiles(bool add, const float *c, const float *more, size_t row)
{
	if (add) {
		TILE_LOAD(0, c, row);
		TILE_LOAD(1, c + SIDE, row);
		TILE_LOAD(2, more, row);
		TILE_LOAD(3, more + SIDE, row);
	} else {
		TILE_ZERO(0);
		TILE_ZERO(1);
		TILE_ZERO(2);
		TILE_ZERO(3);
	}
}

static void store_tiles(float *c, float *more, size_t row)
{
	TILE_STORE(0, c, row);
	TILE_STORE(1, c + SIDE, row);
	TILE_STORE(2, more, row);
	TILE_STORE(3, more + SIDE, row);
}

/* A function of one set of tiles: rows a of A, C at c in rows of ld */
typedef void tiles_fn(const struct work *w, const struct strip *s, const uint32_t *a, float *c,
		      size_t ld);

/* Asks for what the next tiles need, a share for each block of k: C's rows, and the strip that
 * follows. */
static void ask(const struct work *w, const struct strip *s, size_t x, const float *c, size_t ld)
{
	size_t blocks = (w->pairs + SIDE - 1) / SIDE, i = x / SIDE;
	const char *next = s->next + i * s->lines * LINE;

	for (size_t l = 0; l < s->lines; l++)
		__builtin_prefetch(next + l * LINE, 0, 2);
	for (size_t r = i * 2 * SIDE / blocks; r < (i + 1) * 2 * SIDE / blocks; r++) {
		__builtin_prefetch(c + (2 * SIDE + r) * ld, 1, 3);
		__builtin_prefetch(c + (2 * SIDE + r) * ld + SIDE, 1, 3);
	}
}

/* 17 to 32 rows of two panels */
static void two_by_two(const struct work *w, const struct strip *s, const uint32_t *a, float *c,
		       size_t ld)
{
	size_t row = 4 * w->words;
	float *below = c + SIDE * ld;

	begin_tiles(w->add, c, below, 4 * ld);
	for (size_t x = 0; x < w->pairs; x += SIDE) {
		size_t b_row = part_row(w, x);

		ask(w, s, x, c, ld);
		TILE_LOAD(4, a + x, row);
		TILE_LOAD(6, part(w, s, 0, x), b_row);
		TILE_LOAD(7, part(w, s, 1, x), b_row);
		TILE_LOAD(5, a + SIDE * w->words + x, row);
		TILE_DOT(0, 4, 6);
		TILE_DOT(1, 4, 7);
		TILE_DOT(2, 5, 6);
		TILE_DOT(3, 5, 7);
	}
	store_tiles(c, below, 4 * ld);
}

/* Up to 16 rows of four panels */
static void one_by_four(const struct work *w, const struct strip *s, const uint32_t *a, float *c,
			size_t ld)
{
	size_t row = 4 * w->words;
	float *beside = c + 2 * SIDE;

	begin_tiles(w->add, c, beside, 4 * ld);
	for (size_t x = 0; x < w->pairs; x += SIDE) {
		size_t b_row = part_row(w, x);

		TILE_LOAD(4, a + x, row);
		TILE_LOAD(6, part(w, s, 0, x), b_row);
		TILE_LOAD(7, part(w, s, 1, x), b_row);
		TILE_DOT(0, 4, 6);
		TILE_DOT(1, 4, 7);
		TILE_LOAD(6, part(w, s, 2, x), b_row);
		TILE_LOAD(7, part(w, s, 3, x), b_row);
		TILE_DOT(2, 4, 6);
		TILE_DOT(3, 4, 7);
	}
	store_tiles(c, beside, 4 * ld);
}

/* Panels j.. of B, n of them; where there are fewer, the last one again. */
static void take_strip(struct strip *s, const struct work *w, size_t j, size_t n)
{
	size_t last = (w->c.cols - 1) / SIDE, rest = w->pairs % SIDE;

	for (size_t i = 0; i < n; i++) {
		s->panel[i] = w->b.pairs + (j + i < last ? j + i : last) * w->b.stride;
		if (!rest)
			continue;
		for (size_t r = 0; r < rest; r++)
			memcpy(s->end[i] + r * SIDE, s->panel[i] + (w->pairs - rest + r) * w->b.ld,
			       SIDE * sizeof *s->end[i]);
		memset(s->end[i] + rest * SIDE, 0, (SIDE - rest) * SIDE * sizeof *s->end[i]);
	}
}

/* One set of tiles, whose corner is at row i of panel j. Columns that do not fill it go through a
 * copy. */
static void piece(const struct work *w, const struct strip *s, size_t i, size_t j, size_t rows)
{
	size_t wide = rows > SIDE ? 2 * SIDE : 4 * SIDE, left = w->c.cols - j * SIDE;
	size_t cols = left < wide ? left : wide;
	tiles_fn *run = rows > SIDE ? two_by_two : one_by_four;
	const uint32_t *a = w->a + i * w->words;
	float *c = w->c.p + i * w->c.ld + j * SIDE, own[4 * SIDE * SIDE];

	if (cols == wide) {
		run(w, s, a, c, w->c.ld);
		return;
	}
	memset(own, 0, sizeof own);
	for (size_t r = 0; w->add && r < rows; r++)
		memcpy(own + r * wide, c + r * w->c.ld, cols * sizeof *c);
	run(w, s, a, own, wide);
	for (size_t r = 0; r < rows; r++)
		memcpy(c + r * w->c.ld, own + r * wide, cols * sizeof *c);
}

/* Rows from..to of C, `step` at a time, a multiple of which they are */
static void some_rows(const struct work *w, size_t from, size_t to, size_t step)
{
	size_t panels = (w->c.cols + SIDE - 1) / SIDE, wide = step > SIDE ? 2 : 4;
	struct strip s;

	if (from == to)
		return;
	configure(step > SIDE ? SIDE : step, step > SIDE ? step - SIDE : 0);
	for (size_t j = 0; j < panels; j += wide) {
		take_strip(&s, w, j, wide);
		s.next = (const char *)(s.panel[0] + 2 * w->b.stride);
		s.lines = w->b.ld == SIDE && j + wide < panels
				  ? (2 * SIDE * step + (to - from) - 1) / (to - from)
				  : 0;
		for (size_t i = from; i < to; i += step) {
			piece(w, &s, i, j, step);
			s.next += s.lines * LINE * ((w->pairs + SIDE - 1) / SIDE);
		}
	}
}

/* C, which comes from memory, is added to seldom; B's panels come from the second cache. */
size_t bf16_depth(void)
{
	return 1024;
}

void bf16_gemm(int how, const uint32_t *a, size_t k, struct panels b, struct matrix c)
{
	struct work w = {a, row_words(k), (k + 1) / 2, b, c, how & GEMM_ADD};
	size_t most;

	assert(k && !(how & ~(GEMM_ADD | GEMM_TRANSPOSED)));
	assert(a && b.pairs && c.p && c.ld >= c.cols);
	most = STAYS / (4 * w.words) / (2 * SIDE) * (2 * SIDE);
	most = most < 4 * SIDE ? 4 * SIDE : most;
	for (size_t i = 0, n; i < c.rows; i += n) {
		n = c.rows - i < most ? c.rows - i : most;
		some_rows(&w, i, i + n / (2 * SIDE) * (2 * SIDE), 2 * SIDE);
		some_rows(&w, i + n / (2 * SIDE) * (2 * SIDE), i + n, n % (2 * SIDE));
	}
	TILE_RELEASE();
}
