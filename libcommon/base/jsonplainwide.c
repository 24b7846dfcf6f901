/*
 * jsonplainwide.c - the same for AVX2. See jsonplain.h.
 *
 * Most lines of a text are about as long as a block, and formulas are full of backslashes: a jump
 * that depended on whether a block has escapes, and how many, would be foretold wrongly, which
 * costs more than to take all blocks alike. So which bytes are escaped is bit arithmetic on all of
 * a block, n and t are turned by a mask, and a table tells for each eight bytes in which order
 * those of them that are kept are stored.
 */
#include "base/jsonplain.h"

#ifdef __AVX2__
#include <immintrin.h>

/* Of eight bytes, of which these are kept: which comes first, second, ... */
static uint8_t kept_bytes[256][8];

__attribute__((constructor)) static void fill_kept_bytes(void)
{
	for (unsigned kept = 0; kept < 256; kept++)
		for (uint8_t i = 0, n = 0; i < 8; i++)
			if (kept >> i & 1)
				kept_bytes[kept][n++] = i;
}

/* 32 bytes */
struct half {
	__m256i v, turn;      /* what they are, and what an escape changes in them */
	uint64_t backslashes; /* a bit for each that is one, */
	uint64_t plain;       /* that is no control byte and no quote, */
	uint64_t known;       /* that may be escaped: n, t, quote, backslash */
};

static inline uint64_t bits_of(__m256i v)
{
	return (uint32_t)_mm256_movemask_epi8(v);
}

static inline struct half half_at(const char *p)
{
	__m256i v = _mm256_loadu_si256((const __m256i *)p);
	__m256i quotes = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"'));
	__m256i backslashes = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\'));
	__m256i n = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('n'));
	__m256i t = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('t'));
	__m256i least = _mm256_set1_epi8(' ');
	__m256i text = _mm256_cmpeq_epi8(_mm256_max_epu8(v, least), v);

	return (struct half){
		.v = v,
		.turn = _mm256_or_si256(_mm256_and_si256(n, _mm256_set1_epi8('n' ^ '\n')),
					_mm256_and_si256(t, _mm256_set1_epi8('t' ^ '\t'))),
		.backslashes = bits_of(backslashes),
		.plain = bits_of(_mm256_andnot_si256(quotes, text)),
		.known = bits_of(_mm256_or_si256(_mm256_or_si256(quotes, backslashes),
						 _mm256_or_si256(n, t))),
	};
}

/* The bytes of a half, those turned that have a bit in escaped */
static inline __m256i turned(const struct half *h, uint32_t escaped)
{
	const __m256i spread =
		_mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
	const __m256i bit = _mm256_set1_epi64x((long long)UINT64_C(0x8040201008040201));
	__m256i bits = _mm256_shuffle_epi8(_mm256_set1_epi32((int)escaped), spread);
	__m256i all = _mm256_cmpeq_epi8(_mm256_and_si256(bits, bit), bit);

	return _mm256_xor_si256(h->v, _mm256_and_si256(h->turn, all));
}

/* Which bytes of a block are escaped: before each is a backslash that is not escaped itself. */
static inline uint64_t find_escaped(uint64_t backslashes)
{
	const uint64_t odd = UINT64_C(0xaaaaaaaaaaaaaaaa);
	/* a carry runs along a row of backslashes from where it begins, and turns every other bit
	 * of it over */
	uint64_t turns = ((backslashes << 1 | odd) - backslashes) ^ odd;

	return turns ^ backslashes;
}

/* The order of 16 bytes, of which these are kept, by eights */
static inline __m128i order_of(uint32_t kept)
{
	__m128i low = _mm_loadl_epi64((const __m128i *)kept_bytes[kept & 0xff]);

	return _mm_castps_si128(
		_mm_loadh_pi(_mm_castsi128_ps(low), (const __m64 *)kept_bytes[kept >> 8 & 0xff]));
}

static inline char *put_sixteen(char *to, __m128i v, uint32_t kept)
{
	_mm_storel_epi64((__m128i *)to, v);
	to += __builtin_popcount(kept & 0xff);
	_mm_storeh_pi((__m64 *)to, _mm_castsi128_ps(v));
	return to + __builtin_popcount(kept >> 8 & 0xff);
}

/* Stores the bytes that are kept side by side. Returns where they end. */
static inline char *put_half(char *to, __m256i v, uint32_t kept)
{
	const __m256i second = _mm256_setr_epi64x(0, 0x0808080808080808, 0, 0x0808080808080808);
	__m256i order = _mm256_inserti128_si256(_mm256_castsi128_si256(order_of(kept)),
						order_of(kept >> 16), 1);

	v = _mm256_shuffle_epi8(v, _mm256_add_epi8(order, second));
	to = put_sixteen(to, _mm256_castsi256_si128(v), kept);
	return put_sixteen(to, _mm256_extracti128_si256(v, 1), kept >> 16);
}

struct block {
	struct half low, high;
	uint64_t escaped, kept; /* what is not a backslash that escapes */
	bool wide;              /* some of it is not ASCII */
};

/* Looks at a block: the bytes that may stop */
static inline uint64_t look(struct block *b, const char *p)
{
	uint64_t backslashes, escapes;

	b->low = half_at(p);
	b->high = half_at(p + 32);
	backslashes = b->high.backslashes << 32 | b->low.backslashes;
	b->escaped = find_escaped(backslashes);
	escapes = backslashes & ~b->escaped;
	b->kept = ~escapes;
	b->wide = bits_of(_mm256_or_si256(b->low.v, b->high.v));
	return ~(b->high.plain << 32 | b->low.plain | b->escaped) |
	       (b->escaped & ~(b->high.known << 32 | b->low.known)) >> 1 |
	       (escapes & UINT64_C(1) << 63); /* goes on behind the block */
}

static inline char *put_block(char *to, const struct block *b)
{
	if (b->kept == UINT64_MAX) { /* as in long lines of prose, where that can be foretold */
		_mm256_storeu_si256((__m256i *)to, b->low.v);
		_mm256_storeu_si256((__m256i *)(to + 32), b->high.v);
		return to + JSONPLAIN_BLOCK;
	}
	to = put_half(to, turned(&b->low, (uint32_t)b->escaped), (uint32_t)b->kept);
	return put_half(to, turned(&b->high, (uint32_t)(b->escaped >> 32)),
			(uint32_t)(b->kept >> 32));
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
		__m256i low = _mm256_loadu_si256((const __m256i *)noted[i]);
		__m256i high = _mm256_loadu_si256((const __m256i *)(noted[i] + 32));
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

/* Takes blocks, and the byte behind each can be read, as long as they begin before last. False: it
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
			stops = look(&b, p);
			noted[n_noted] = p;
			n_noted += b.wide;
			if (stops)
				break;
			to = put_block(to, &b);
		}
		if (stops) {
			n = _tzcnt_u64(stops);
			b.kept &= (UINT64_C(1) << n) - 1;
			to = put_block(to, &b);
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
	char room[2 * JSONPLAIN_BLOCK] = {0};
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

	if (s->end - s->p > JSONPLAIN_BLOCK)
		valid = take_blocks(&r, s->end - JSONPLAIN_BLOCK);
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
