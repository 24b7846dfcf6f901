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

/* The first byte of a block that is not UTF-8, where there is one of those in wide; else 64. *over:
 * so many bytes of the block belong to a character that was looked at before, and then of the next
 * one. */
static __attribute__((noinline)) int not_utf8(const char *p, const char *end, uint64_t wide,
					      int *over)
{
	wide &= UINT64_MAX << *over;
	*over = 0;
	while (wide) {
		int n = __builtin_ctzll(wide), len = (int)utf8_char(p + n, (size_t)(end - p - n));

		if (!len)
			return n;
		wide &= ~(((UINT64_C(1) << len) - 1) << n);
		*over = n + len > 64 ? n + len - 64 : 0;
	}
	return 64;
}

/* Behind the end are zeros, which stop. */
static inline __m512i block_at(const char *p, const char *end)
{
	if (end - p < 64)
		return _mm512_maskz_loadu_epi8(below((int)(end - p)), p);
	return _mm512_loadu_si512(p);
}

/* Up to what is neither text nor an escape of one letter */
static inline void take_text(struct jsonplain *s)
{
	const __m512i low = _mm512_loadu_si512(jsonescape_meaning);
	const __m512i high = _mm512_loadu_si512(jsonescape_meaning + 64);
	const char *p = s->p;
	char *to = s->to;
	uint64_t open = 0;
	int over = 0;

	for (;;) {
		__m512i v = block_at(p, s->end);
		__m512i meaning = _mm512_permutex2var_epi8(low, v, high); /* by seven bits */
		uint64_t ends = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"')) |
				_mm512_cmplt_epu8_mask(v, _mm512_set1_epi8(' '));
		uint64_t backslashes = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\'));
		uint64_t wide = _mm512_movepi8_mask(v);
		uint64_t none = _mm512_testn_epi8_mask(meaning, meaning) | wide;
		uint64_t escaped = find_escaped(backslashes, &open);
		uint64_t stops = (ends & ~escaped) | (none & escaped);
		uint64_t kept = escaped | ~backslashes;
		int n = 64;

		if (stops) {
			n = __builtin_ctzll(stops);
			wide &= below(n);
		}
		if (wide) {
			int bad = not_utf8(p, s->end, wide, &over);

			n = bad < n ? bad : n;
		}
		if (n < 64)
			kept &= below(n);
		v = _mm512_mask_mov_epi8(v, escaped, meaning);
		_mm512_storeu_si512(to, _mm512_maskz_compress_epi8(kept, v));
		to += __builtin_popcountll(kept);
		p += n;
		if (n < 64) {
			p -= escaped >> n & 1; /* back to its backslash */
			break;
		}
	}
	s->p = p;
	s->to = to;
}

void jsonplainwidest(struct jsonplain *s)
{
	for (;;) {
		int n;

		take_text(s);
		if (s->end - s->p < 2 || s->p[0] != '\\' || s->p[1] != 'u')
			return;
		n = jsonescape_unicode(s->p, s->end, &s->to);
		if (n <= 0)
			return;
		s->p += n;
	}
}
#else
void jsonplainwidest(struct jsonplain *s)
{
	jsonplain_blocks(s);
}
#endif
