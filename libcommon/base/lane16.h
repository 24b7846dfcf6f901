/*
 * lane16.h - sixteen bytes of a text at once, in the vectors that every x86-64 has, or in two
 * words.
 */
#ifndef BASE_LANE16_H
#define BASE_LANE16_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

typedef unsigned char lane16 __attribute__((vector_size(16)));

/* They may lie anywhere. */
static inline lane16 lane16_at(const void *p)
{
	lane16 v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* A bit for each byte whose highest bit is set, that of the first byte lowest: what a comparison
 * of lanes says, byte by byte */
static inline unsigned lane16_high(lane16 v)
{
#if defined(__SSE2__)
	typedef char signed16 __attribute__((vector_size(16)));

	return (unsigned)__builtin_ia32_pmovmskb128((signed16)v);
#else
	/* the bits of eight bytes are gathered in the product's highest */
	const uint64_t high = UINT64_C(0x8080808080808080), gather = UINT64_C(0x0002040810204081);
	uint64_t w[2];

	memcpy(w, &v, sizeof w);
	w[0] = (le64toh(w[0]) & high) * gather >> 56;
	w[1] = (le64toh(w[1]) & high) * gather >> 56;
	return (unsigned)(w[0] | w[1] << 8);
#endif
}

/* A bit for each byte that no string of JSON holds as it is: quote, backslash, control byte */
static inline unsigned lane16_json(lane16 v)
{
	return lane16_high((lane16)((v == '"') | (v == '\\') | (v < ' ')));
}

/* The same, and for each byte that is not ASCII */
static inline unsigned lane16_json_ascii(lane16 v)
{
	return lane16_high((lane16)((v == '"') | (v == '\\') | (v < ' ')) | v);
}

#endif
