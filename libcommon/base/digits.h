/* digits.h - decimal digits eight at a time: what fmt.h is made of. */
#ifndef BASE_DIGITS_H
#define BASE_DIGITS_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define DIGITS_ASCII UINT64_C(0x3030303030303030)

/* The 8 digits of v < 10^8 as numbers, the first in the lowest byte: halves of 4, 2 and 1 digits
 * are divided side by side in one word. */
static inline uint64_t digits_eight(uint32_t v)
{
	uint64_t four = v / 10000 | (uint64_t)(v % 10000) << 32;
	uint64_t hundreds = (four * 10486 >> 20) & UINT64_C(0x7f0000007f);
	uint64_t two = hundreds | (four - 100 * hundreds) << 16;
	uint64_t tens = (two * 103 >> 10) & UINT64_C(0x0f000f000f000f);

	return tens | (two - 10 * tens) << 8;
}

/* Writes the 8 characters in a word, the first in the lowest byte. */
static inline void digits_put(char *p, uint64_t text)
{
	text = htole64(text);
	memcpy(p, &text, 8);
}

enum { DIGITS_BLOCK = 32 }; /* words on their way to text: a loop over so many becomes vectors */
/* Reads words done, done + 1 ... of n little-endian ones, at most a block; returns how many. */
static inline size_t digits_load(uint32_t *word, const void *words, size_t done, size_t n)
{
	size_t count = n - done < DIGITS_BLOCK ? n - done : DIGITS_BLOCK;

	memcpy(word, (const char *)words + 4 * done, 4 * count);
	for (size_t i = 0; i < count; i++)
		word[i] = le32toh(word[i]);
	return count;
}

/* These two may write 64 bytes. */
size_t digits_put_u64(char *p, uint64_t v);
/* m / 10^k, trailing zeros left out, as 0.0125 or 125e-10; m < 10^18, k <= 45. */
size_t digits_put_decimal(char *p, uint64_t m, int k);

#endif
