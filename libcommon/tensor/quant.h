/*
 * quant.h - the number formats of ggml's files: plain floats, and blocks of a few bits a number
 * with a scale of their own.
 *
 * The layouts are those that ggml's ggml-common.h documents (structs block_q4_0 and so on); what
 * they mean is written as a formula above each function of quant.c. Everything is little-endian,
 * scales are IEEE binary16. No product of a formula needs more than float's 24 bits, so that a
 * number is rounded at most once, and is the same whether or not the compiler fuses a product with
 * a sum.
 */
#ifndef TENSOR_QUANT_H
#define TENSOR_QUANT_H

#include <stddef.h>
#include <stdint.h>

/* Ids of the types that are asked for by name here */
enum { QUANT_F32 = 0, QUANT_F16 = 1, QUANT_Q8_0 = 8, QUANT_BF16 = 30 };

struct quant {
	uint32_t id; /* ggml's enum ggml_type, as in files */
	const char *name;
	size_t numbers, bytes; /* of a block; plain floats: 1 number */
	/* n blocks as floats; from needs no alignment */
	void (*widen)(const uint8_t *from, size_t n, float *to);
};

const struct quant *quant_find(uint32_t id); /* NULL: not one that can be read */
/* ggml's name of any type it has, for messages; "an unknown type" else */
const char *quant_name(uint32_t id);
/* Blocks of 32 numbers as Q8_0 has them: d = max |v| / 127, q = v / d rounded, halves away from 0;
 * then d is rounded to binary16. Values that are not finite, or a d that is not: anything. */
void quant_to_q8_0(const float *v, size_t n, uint8_t *to);

#endif
