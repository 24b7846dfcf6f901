/*
 * jsonplainwidest.c - the same for AVX-512 with VBMI2, which takes bytes out of 64 at once. See
 * jsonplain.h.
 *
 * Escapes of one letter cost nothing: which bytes are escaped is bit arithmetic on all of a block,
 * a table gives what their letters stand for, and the backslashes are left out as it is stored.
 */
#include "base/jsonplain.h"

#ifdef __AVX512VBMI2__
#include <immintrin.h>

/* Which bytes of a block are escaped: before each is a backslash that is not escaped itself. *open:
 * the byte before the block is such a one; then the block's last. */
static inline uint64_t find_escaped(uint64_t backslashes, uint64_t *open)
{
	const uint64_t odd = UINT64_C(0xaaaaaaaaaaaaaaaa);
	uint64_t first = backslashes & ~*open;
	/* a carry runs along a row of backslashes from where it begins, and turns every other bit
	 * of it over */
	uint64_t turns = ((first << 1 | odd) - first) ^ odd;
	uint64_t escaped = turns ^ (backslashes | *open);

	*open = (turns & backslashes) >> 63;
	return escaped;
}

static inline uint64_t below(int n)
{
	return n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
}

/* Behind the end are zeros, which stop. */
static inline __m512i block_at(const char *p, const char *end)
{
	if (end - p < 64)
		return _mm512_maskz_loadu_epi8(below((int)(end - p)), p);
	return _mm512_loadu_si512(p);
}

/* Are the blocks that were noted UTF-8, of a text up to end? */
static __attribute__((noinline)) bool look_back(struct jsonplain_seen *s, const char *const noted[],
						size_t n, const char *end)
{
	bool fits = true;

	for (size_t i = 0; i < n; i++) {
		__m512i v = block_at(noted[i], end);
		struct jsonplain_wide w = {
			.all = _mm512_movepi8_mask(v),
			.first = _mm512_cmpgt_epu8_mask(v, _mm512_set1_epi8((char)0xbf)),
			.three = _mm512_cmpgt_epu8_mask(v, _mm512_set1_epi8((char)0xdf)),
			.four = _mm512_cmpgt_epu8_mask(v, _mm512_set1_epi8((char)0xef)),
			.odd = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)0xe0)) |
			       _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8((char)0xed)),
		};
		uint64_t two = _mm512_cmpgt_epu8_mask(v, _mm512_set1_epi8((char)0xc1));

		w.odd |= w.four | (w.first & ~two);
		fits &= jsonplain_fits(s, noted[i], end, w);
	}
	return fits;
}

/* The bytes of a block that are stored, with what escapes stand for */
struct block {
	__m512i v;
	uint64_t wide, escaped, kept, stops;
};

/* *open: see find_escaped */
static inline struct block look(const char *p, const char *end, uint64_t *open)
{
	const __m512i low = _mm512_loadu_si512(jsonescape_meaning);
	const __m512i high = _mm512_loadu_si512(jsonescape_meaning + 64);
	__m512i v = block_at(p, end);
	__m512i meaning = _mm512_permutex2var_epi8(low, v, high); /* by seven bits */
	uint64_t ends = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"')) |
			_mm512_cmplt_epu8_mask(v, _mm512_set1_epi8(' '));
	uint64_t backslashes = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\'));
	uint64_t wide = _mm512_movepi8_mask(v);
	uint64_t none = _mm512_testn_epi8_mask(meaning, meaning) | wide;
	uint64_t escaped = find_escaped(backslashes, open);

	return (struct block){
		.v = _mm512_mask_mov_epi8(v, escaped, meaning),
		.wide = wide,
		.escaped = escaped,
		.kept = escaped | ~backslashes,
		.stops = (ends & ~escaped) | (none & escaped),
	};
}

static inline char *put_block(char *to, const struct block *b, uint64_t kept)
{
	_mm512_storeu_si512(to, _mm512_maskz_compress_epi8(kept, b->v));
	return to + __builtin_popcountll(kept);
}

/* Up to what is no text. False: it is not UTF-8. */
static inline bool take_text(struct jsonplain *s)
{
	struct jsonplain_seen seen = {NULL, 0};
	const char *p = s->p, *end = s->end, *noted[JSONPLAIN_NOTED];
	char *to = s->to;
	uint64_t open = 0;
	size_t n_noted = 0;

	for (;;) {
		struct block b = look(p, end, &open);
		int n;

		noted[n_noted] = p;
		n_noted += b.wide != 0;
		if (!b.stops) {
			to = put_block(to, &b, b.kept);
			p += 64;
			if (n_noted < JSONPLAIN_NOTED)
				continue;
			if (!look_back(&seen, noted, n_noted, end))
				return false;
			n_noted = 0;
			continue;
		}
		n = __builtin_ctzll(b.stops);
		to = put_block(to, &b, b.kept & below(n));
		p += n;
		if ((n_noted && !look_back(&seen, noted, n_noted, p)) || seen.open)
			return false;
		p -= b.escaped >> n & 1; /* back to its backslash */
		n = end - p > 1 && p[0] == '\\' && p[1] == 'u' ? jsonescape_unicode(p, end, &to)
							       : 0;
		if (n <= 0)
			break;
		p += n;
		open = 0;
		n_noted = 0;
	}
	s->p = p;
	s->to = to;
	return true;
}

void jsonplainwidest(struct jsonplain *s)
{
	if (!take_text(s))
		jsonplain_blocks(s); /* which ends where it is wrong */
}
#else
void jsonplainwidest(struct jsonplain *s)
{
	jsonplain_blocks(s);
}
#endif
