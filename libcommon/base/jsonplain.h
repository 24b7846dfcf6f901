/*
 * jsonplain.h - the text of a string of JSON, up to its end or to what is no text.
 *
 * Which bytes of a block of 64 need a look is found for all of them at once, before any of them is
 * taken: so the next block's do not wait for this one's, and what stands for itself is copied by
 * blocks, too.
 */
#ifndef BASE_JSONPLAIN_H
#define BASE_JSONPLAIN_H

#include "base/jsonescape.h"
#include "base/lane16.h"
#include "base/utf8.h"

#include <stdbool.h>

struct jsonplain {
	const char *p, *end; /* what is read: p is moved to the first byte that is no text */
	char *to;            /* where it is decoded to; moved */
};

enum {
	JSONPLAIN_BLOCK = 64,
	JSONPLAIN_BEHIND = 192, /* bytes that may be written behind what is decoded */
};

/* May end before what is no ASCII, or before an escape, near s->end. */
void jsonplain(struct jsonplain *s);
/* The same, written for AVX2: where cpu_bytes are 32. */
void jsonplainwide(struct jsonplain *s);
/* The same, written for AVX-512 with VBMI2: where they are 64. */
void jsonplainwidest(struct jsonplain *s);

/* A bit for each byte of a block that is not ASCII as it stands, the first one's lowest */
static inline uint64_t jsonplain_stops(const char *block)
{
	uint64_t stops = 0;

	for (int i = 0; i < JSONPLAIN_BLOCK; i += 16)
		stops |= (uint64_t)lane16_json_ascii(lane16_at(block + i)) << i;
	return stops;
}

/*
 * Characters that are not ASCII, as the wider decoders check them: blocks that have some are noted
 * and looked at later, one after the other. Which of the blocks these are cannot be foretold, and a
 * jump at each costs more than ten blocks do.
 */
enum { JSONPLAIN_NOTED = 128 }; /* before they are looked at */
struct jsonplain_seen {
	const char *next; /* behind the last one that was looked at, */
	uint64_t open;    /* a bit for each byte there that still belongs to its last character */
};

/* Of a block's bytes a bit for each that is not ASCII; of these that begins a character; one of
 * three bytes and more; of four and more; that has rules of its own for the byte behind it, or
 * begins none */
struct jsonplain_wide {
	uint64_t all, first, three, four, odd;
};

/* Are the characters of a block UTF-8, as far as the text goes, which ends at end? */
static inline bool jsonplain_fits(struct jsonplain_seen *s, const char *block, const char *end,
				  struct jsonplain_wide w)
{
	size_t left = (size_t)(end - block);
	uint64_t in = left < 64 ? w.all & ((UINT64_C(1) << left) - 1) : w.all;
	uint64_t first = w.first & in, three = w.three & in, four = w.four & in, odd = w.odd & in;
	uint64_t open = block == s->next ? s->open : 0;
	bool fits = open == s->open;

	fits &= (in & ~first) == (first << 1 | three << 2 | four << 3 | open);
	s->next = block + JSONPLAIN_BLOCK;
	s->open = first >> 63 | three >> 62 | four >> 61;
	for (; odd; odd &= odd - 1) {
		size_t n = (size_t)__builtin_ctzll(odd);

		fits &= utf8_char(block + n, left - n) > 0;
	}
	return fits;
}

/* Takes what stands for itself up to here, a block at most. */
static inline void jsonplain_take(struct jsonplain *s, const char *here)
{
	memcpy(s->to, s->p, JSONPLAIN_BLOCK);
	s->to += here - s->p;
	s->p = here;
}

/* Takes an escape, or lets what is not ASCII stand for itself: how many bytes it has. 0: it is
 * neither. */
static inline size_t jsonplain_look(struct jsonplain *s, const char *here)
{
	char letter = jsonescape_meaning[(unsigned char)here[1]], *to;
	int n = 2;

	if (*here & 0x80)
		return utf8_char(here, (size_t)(s->end - here));
	if (*here != '\\' || (!letter && here[1] != 'u'))
		return 0;
	jsonplain_take(s, here);
	to = s->to; /* for this one call: what s holds stays in registers */
	if (letter)
		*to++ = letter;
	else
		n = jsonescape_unicode(here, s->end, &to);
	n = n > 0 ? n : 0;
	s->to = to;
	s->p += n;
	return (size_t)n;
}

/* Takes a block, of which *seen has been looked at before; *seen is then behind the block, and
 * where the next one's look begins. False: s->p is where the run ends. */
static inline bool jsonplain_block(struct jsonplain *s, const char *block, const char **seen)
{
	uint64_t stops = jsonplain_stops(block) & UINT64_MAX << (*seen - block);

	while (stops) {
		int n = __builtin_ctzll(stops);
		size_t len = jsonplain_look(s, block + n);

		if (!len) {
			jsonplain_take(s, block + n);
			return false;
		}
		*seen = block + n + len;
		stops &= ~(((UINT64_C(1) << len) - 1) << n);
	}
	block += JSONPLAIN_BLOCK;
	if (s->p < block)
		jsonplain_take(s, block);
	*seen = *seen < block ? block : *seen;
	return true;
}

/* Takes up to sixteen bytes. True: the run ends there */
static inline bool jsonplain_short(struct jsonplain *s)
{
	unsigned stops;
	lane16 v;
	int n;

	if (s->end - s->p < 16)
		return false;
	v = lane16_at(s->p);
	stops = lane16_json_ascii(v);
	n = stops ? __builtin_ctz(stops) : 16;
	memcpy(s->to, &v, sizeof v);
	s->p += n;
	s->to += n;
	return stops && *s->p == '"';
}

/* Near the end, where blocks would go beyond it */
static inline void jsonplain_rest(struct jsonplain *s)
{
	const char *p;

	do {
		p = s->p;
		if (jsonplain_short(s))
			return;
	} while (s->p - p == 16);
	while (s->p < s->end && *s->p != '"' && *s->p != '\\' &&
	       (unsigned char)(*s->p - ' ') < 0x60)
		*s->to++ = *s->p++;
}

static inline void jsonplain_blocks(struct jsonplain *run)
{
	struct jsonplain s = *run;
	const char *block = s.p, *seen = s.p;
	bool more = true;

	for (; more && s.end - block >= 2 * JSONPLAIN_BLOCK; block += JSONPLAIN_BLOCK)
		more = jsonplain_block(&s, block, &seen);
	while (more && s.p < seen) /* a character that goes on where the blocks end */
		*s.to++ = *s.p++;
	if (more)
		jsonplain_rest(&s);
	*run = s;
}

#endif
