/*
 * jsonplain.h - the bytes of a string of JSON that are ASCII as they stand, or an escape of one
 * letter.
 *
 * Where such a run ends cannot be foreseen, so a step goes as far as the first stop of a block of
 * 64 bytes, or over all of it but its last byte, and what the stop is decides about numbers alone.
 */
#ifndef BASE_JSONPLAIN_H
#define BASE_JSONPLAIN_H

#include "base/lane16.h"

struct jsonplain {
	const char *p, *end; /* what is read: p is moved to the first byte that is none of these */
	char *to;            /* where it is decoded to; moved */
};

/* What an escape of one letter stands for; 0: it is none */
static const char jsonplain_meaning[256] = {
	['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
	['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
};

enum { JSONPLAIN_BLOCK = 64 }; /* bytes that may be written behind what is decoded */

/* May end before such an escape, near s->end. */
void jsonplain(struct jsonplain *s);
/* The same, compiled for AVX2: where cpu_wide. */
void jsonplainwide(struct jsonplain *s);

/* Copies a block. A bit for each byte of it that is not ASCII as it stands, the first one's lowest
 */
static inline uint64_t jsonplain_copy(char *to, const char *from)
{
	uint64_t stops = 0;

#ifdef __AVX2__
	typedef unsigned char lane32 __attribute__((vector_size(32)));
	typedef char signed32 __attribute__((vector_size(32)));

	for (int i = 0; i < JSONPLAIN_BLOCK; i += 32) {
		lane32 v;

		memcpy(&v, from + i, sizeof v);
		memcpy(to + i, &v, sizeof v);
		v |= (lane32)((v == '"') | (v == '\\') | (v < ' '));
		stops |= (uint64_t)(uint32_t)__builtin_ia32_pmovmskb256((signed32)v) << i;
	}
#else
	for (int i = 0; i < JSONPLAIN_BLOCK; i += 16) {
		lane16 v = lane16_at(from + i);

		memcpy(to + i, &v, sizeof v);
		stops |= (uint64_t)lane16_json_ascii(v) << i;
	}
#endif
	return stops;
}

static inline void jsonplain_blocks(struct jsonplain *s)
{
	const char *p = s->p, *end = s->end;
	char *q = s->to;

	while (end - p > JSONPLAIN_BLOCK) {
		uint64_t stops = jsonplain_copy(q, p);
		int n = __builtin_ctzll(stops | UINT64_C(1) << 63), stop = stops >> n & 1;
		char letter = jsonplain_meaning[(unsigned char)p[n + 1]];

		p += n;
		q += n;
		if (stop && (*p != '\\' || !letter))
			break;
		*q = letter;
		q += stop;
		p += 2 * stop;
	}
	for (; p < end && *p != '"' && *p != '\\' && (unsigned char)(*p - ' ') < 0x60; *q++ = *p++)
		;
	s->p = p;
	s->to = q;
}

#endif
