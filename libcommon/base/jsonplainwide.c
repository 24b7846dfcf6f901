/*
 * jsonplainwide.c - the same for AVX2. See jsonplain.h.
 *
 * Most lines of a text are about as long as a block, so a block has none, one or two escapes: a
 * jump that depended on it would be foretold wrongly, which costs more than to take two from each.
 * A block is stored whole, and what is behind an escape once more, a byte before where it was; a
 * block that has no further one stores behind its end, where nothing is yet.
 */
#include "base/jsonplain.h"

#ifdef __AVX2__
#include <immintrin.h>

enum {
	ALWAYS = 2,                 /* escapes of a block that cost no jump */
	AHEAD = 3 * JSONPLAIN_BLOCK /* at least what is read from a block's begin on */
};

static inline uint64_t bits_of(__m256i v)
{
	return (uint32_t)_mm256_movemask_epi8(v);
}

/* A bit for each byte of a block that is a backslash, or a quote or a control byte, and belongs to
 * no escape that was taken; for the backslashes of those that were; for those of them that are
 * no letter's */
struct block {
	uint64_t backslashes, ends, escapes, foreign;
	bool wide; /* some of it is not ASCII */
};

static inline uint64_t backslashes_of(__m256i v)
{
	return bits_of(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\')));
}

static inline uint64_t text_of(__m256i v)
{
	__m256i quotes = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"'));
	__m256i least = _mm256_max_epu8(v, _mm256_set1_epi8(' '));

	return bits_of(_mm256_andnot_si256(quotes, _mm256_cmpeq_epi8(least, v)));
}

static inline __m256i half_at(const char *p)
{
	return _mm256_loadu_si256((const __m256i *)p);
}

static inline void put_block(char *to, __m256i low, __m256i high)
{
	_mm256_storeu_si256((__m256i *)to, low);
	_mm256_storeu_si256((__m256i *)(to + 32), high);
}

/* Looks at the block at p and stores it at to. */
static inline struct block look(const char *p, char *to)
{
	__m256i low = half_at(p), high = half_at(p + 32);

	put_block(to, low, high);
	return (struct block){
		.backslashes = backslashes_of(high) << 32 | backslashes_of(low),
		.ends = ~(text_of(high) << 32 | text_of(low)),
		.wide = bits_of(_mm256_or_si256(low, high)),
	};
}

/* Takes the next escape of the block at p, if there is one, and what is behind it. to: where the
 * block would begin if its bytes so far were all kept; returns the same for the next one. */
static inline char *take_next(struct block *b, const char *p, char *to)
{
	uint64_t bit = b->backslashes & -b->backslashes;
	size_t n = _tzcnt_u64(b->backslashes); /* 64: none */
	char letter = jsonescape_meaning[(unsigned char)p[n + 1]];

	to[n] = letter;
	put_block(to + n + 1, half_at(p + n + 2), half_at(p + n + 34));
	b->backslashes &= ~(bit | bit << 1);
	b->ends &= ~(bit << 1);
	b->escapes |= bit;
	b->foreign |= letter ? 0 : bit;
	return to - (bit != 0);
}

/* Where bytes are greater than this one, both of them above 127 */
static inline uint64_t above(__m256i low, __m256i high, int byte)
{
	__m256i v = _mm256_set1_epi8((char)byte);

	return bits_of(_mm256_cmpgt_epi8(high, v)) << 32 | bits_of(_mm256_cmpgt_epi8(low, v));
}

/* Where bytes are one of these */
static inline uint64_t either(__m256i low, __m256i high, int a, int b)
{
	__m256i va = _mm256_set1_epi8((char)a), vb = _mm256_set1_epi8((char)b);

	low = _mm256_or_si256(_mm256_cmpeq_epi8(low, va), _mm256_cmpeq_epi8(low, vb));
	high = _mm256_or_si256(_mm256_cmpeq_epi8(high, va), _mm256_cmpeq_epi8(high, vb));
	return bits_of(high) << 32 | bits_of(low);
}

/* Are the blocks that were noted UTF-8, of a text up to end? */
static __attribute__((noinline)) bool look_back(struct jsonplain_seen *s, const char *const noted[],
						size_t n, const char *end)
{
	bool fits = true;

	for (size_t i = 0; i < n; i++) {
		__m256i low = half_at(noted[i]), high = half_at(noted[i] + 32);
		struct jsonplain_wide w = {
			.all = bits_of(high) << 32 | bits_of(low),
			.first = above(low, high, 0xbf),
			.three = above(low, high, 0xdf),
			.four = above(low, high, 0xef),
		};

		w.odd = w.four | either(low, high, 0xe0, 0xed) | either(low, high, 0xc0, 0xc1);
		fits &= jsonplain_fits(s, noted[i], end, w);
	}
	return fits;
}

/* Takes the escape at p. How many bytes it has; 0: it is none, or cut off */
static inline int take_escape(const char *p, const char *end, char **to)
{
	char letter = jsonescape_meaning[(unsigned char)p[1]];
	int n = 0;

	if (letter) {
		*(*to)++ = letter;
		return 2;
	}
	if (p[1] == 'u')
		n = jsonescape_unicode(p, end, to);
	return n > 0 ? n : 0;
}

/* What is being decoded */
struct run {
	struct jsonplain s;
	struct jsonplain_seen seen;
	bool ended; /* before the end of what there is */
};

/* Takes blocks, as long as they begin before last, behind which AHEAD bytes can be read. False: it
 * is not UTF-8, and r is of no more use. */
static inline bool take_blocks(struct run *r, const char *last)
{
	const char *p = r->s.p, *end = r->s.end, *noted[JSONPLAIN_NOTED];
	char *to = r->s.to;

	while (p < last && !r->ended) {
		uint64_t stops = 0;
		size_t n_noted = 0, n;
		struct block b;

		for (; p < last && n_noted < JSONPLAIN_NOTED; p += JSONPLAIN_BLOCK) {
			char *next = to;

			b = look(p, to);
			noted[n_noted] = p;
			n_noted += b.wide;
			for (int i = 0; i < ALWAYS; i++)
				next = take_next(&b, p, next);
			while (b.backslashes)
				next = take_next(&b, p, next);
			/* an escape at the end goes on behind the block */
			stops = b.ends | b.foreign | (b.escapes & UINT64_C(1) << 63);
			if (stops)
				break;
			to = next + JSONPLAIN_BLOCK;
		}
		if (stops) {
			n = _tzcnt_u64(stops);
			to += n - _mm_popcnt_u64(b.escapes & ((UINT64_C(1) << n) - 1));
			p += n;
		}
		if (n_noted && !look_back(&r->seen, noted, n_noted, stops ? p : end))
			return false;
		if (!stops)
			continue;
		if (r->seen.open)
			return false;
		n = *p == '\\' ? (size_t)take_escape(p, end, &to) : 0;
		p += n;
		r->ended = !n;
	}
	r->s.p = p;
	r->s.to = to;
	return true;
}

/* Near the end, where blocks would go beyond it: as if zeros followed, which stop */
static bool take_rest(struct run *r)
{
	char room[2 * AHEAD] = {0};
	size_t n = (size_t)(r->s.end - r->s.p);
	struct run rest = {{room, room + n, r->s.to}, {room, r->seen.open}, false};

	if (r->seen.open && r->seen.next != r->s.p)
		return false;
	memcpy(room, r->s.p, n);
	if (!take_blocks(&rest, room + n) || rest.seen.open)
		return false;
	r->s.p += rest.s.p - room;
	r->s.to = rest.s.to;
	return true;
}

void jsonplainwide(struct jsonplain *s)
{
	struct run r = {*s, {NULL, 0}, false};
	bool valid = true;

	if (s->end - s->p > AHEAD)
		valid = take_blocks(&r, s->end - AHEAD);
	if (valid && !r.ended)
		valid = take_rest(&r);
	if (valid)
		*s = r.s;
	else
		jsonplain_blocks(s); /* which ends where it is wrong */
}
#else
void jsonplainwide(struct jsonplain *s)
{
	jsonplain_blocks(s);
}
#endif
