/*
 * jsonplainwide.c - the same for AVX2, which looks at a block in two steps. See jsonplain.h.
 *
 * Most lines of a text are about as long as a block, so most blocks have an escape, where a jump
 * that depended on it would be foretold wrongly: the first two escapes of a block are always taken,
 * whether they are there or not. What follows one is copied once more, a byte further to the front.
 */
#include "base/jsonplain.h"

#ifdef __AVX2__
#include <immintrin.h>

static inline void copy_block(char *to, const char *p)
{
	_mm256_storeu_si256((__m256i *)to, _mm256_loadu_si256((const __m256i *)p));
	_mm256_storeu_si256((__m256i *)(to + 32), _mm256_loadu_si256((const __m256i *)(p + 32)));
}

/* Takes 32 bytes as they are: which of them are backslashes, and which neither end a text nor are
 * other than ASCII */
static inline void take_half(char *to, const char *p, uint64_t *backslashes, uint64_t *plain)
{
	__m256i v = _mm256_loadu_si256((const __m256i *)p);
	__m256i quotes = _mm256_cmpeq_epi8(v, _mm256_set1_epi8('"'));
	__m256i ascii = _mm256_cmpgt_epi8(v, _mm256_set1_epi8(' ' - 1));

	_mm256_storeu_si256((__m256i *)to, v);
	*backslashes = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\')));
	*plain = (uint32_t)_mm256_movemask_epi8(_mm256_andnot_si256(quotes, ascii));
}

/* Of bytes that may stop, at least one: the first that does, since it is ASCII, no character, or
 * one that goes on behind the block. None: JSONPLAIN_BLOCK */
static __attribute__((noinline)) size_t stop_of(const char *p, const char *end, uint64_t stops)
{
	do {
		size_t n = _tzcnt_u64(stops), len;

		if (!(p[n] & 0x80))
			return n;
		len = utf8_char(p + n, (size_t)(end - p) - n);
		if (!len || n + len > JSONPLAIN_BLOCK)
			return n;
		stops &= ~(((UINT64_C(1) << len) - 1) << n);
	} while (stops);
	return JSONPLAIN_BLOCK;
}

/* Takes an escape. False: it is none, or cut off */
static bool take_escape(struct jsonplain *s)
{
	char letter = jsonescape_meaning[(unsigned char)s->p[1]];
	int n = 2;

	if (letter)
		*s->to++ = letter;
	else if (s->p[1] != 'u')
		return false;
	else
		n = jsonescape_unicode(s->p, s->end, &s->to);
	s->p += n > 0 ? n : 0;
	return n > 0;
}

/* Takes blocks, of which as much as JSONPLAIN_ROOM can be read, as long as they begin before last.
 * False: the run ends at s->p, which is before it. */
static inline bool take_blocks(struct jsonplain *s, const char *last)
{
	const char *p = s->p;
	char *to = s->to;

	while (p < last) {
		uint64_t low, high, backslashes, plain, first, second, more, stops;
		size_t at, next, n, one;
		char letter, letter2;

		take_half(to, p, &low, &plain);
		take_half(to + 32, p + 32, &high, &stops);
		backslashes = high << 32 | low;
		plain |= stops << 32;
		first = _blsi_u64(backslashes);
		more = backslashes & ~(3 * first); /* what is escaped is none */
		second = _blsi_u64(more);
		at = _tzcnt_u64(backslashes); /* 64: there is none */
		next = _tzcnt_u64(more);
		one = backslashes != 0;
		letter = jsonescape_meaning[(unsigned char)p[at + 1]];
		letter2 = jsonescape_meaning[(unsigned char)p[next + 1]];
		copy_block(to + at, p + at + 1);
		copy_block(to + next - one, p + next + 1);
		to[next - one] = letter2;
		to[at] = letter;
		stops = ~(plain | 3 * (first | second)) | (more & ~(3 * second)) |
			(letter ? 0 : first) | (letter2 ? 0 : second);
		n = stops ? stop_of(p, s->end, stops) : JSONPLAIN_BLOCK;
		if (n == JSONPLAIN_BLOCK) {
			to += JSONPLAIN_BLOCK - one - (more != 0);
			p += JSONPLAIN_BLOCK;
			if ((first | second) >> 63) { /* ends behind the block */
				to++;
				p++;
			}
			continue;
		}
		to += n - (at < n) - (next < n);
		p += n;
		s->p = p;
		s->to = to;
		/* what is no ASCII is looked at once more where a block begins with it */
		if (*p == '\\' ? !take_escape(s) : !n || !(*p & 0x80))
			return false;
		p = s->p;
		to = s->to;
	}
	s->p = p;
	s->to = to;
	return true;
}

/* Near the end, where blocks would go beyond it: as if zeros followed, which stop */
static void take_rest(struct jsonplain *s)
{
	char room[2 * JSONPLAIN_ROOM] = {0};
	size_t n = (size_t)(s->end - s->p);
	struct jsonplain rest = {room, room + n, s->to};

	memcpy(room, s->p, n);
	take_blocks(&rest, rest.end);
	s->p += rest.p - room;
	s->to = rest.to;
}

void jsonplainwide(struct jsonplain *run)
{
	struct jsonplain s = *run;

	if (s.end - s.p <= JSONPLAIN_ROOM || take_blocks(&s, s.end - JSONPLAIN_ROOM))
		take_rest(&s);
	*run = s;
}
#else
void jsonplainwide(struct jsonplain *s)
{
	jsonplain_blocks(s);
}
#endif
