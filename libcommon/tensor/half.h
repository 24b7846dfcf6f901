/* half.h - the two 16-bit float formats of weights on disk, exact both ways but for rounding. */
#ifndef TENSOR_HALF_H
#define TENSOR_HALF_H

#include <stdint.h>

float half_from_bf16(uint16_t h);
float half_from_f16(uint16_t h); /* subnormals, infinities and NaN included */
/* Rounded to nearest, ties to even; what is too large becomes infinity, NaN stays NaN. */
uint16_t half_to_bf16(float v);
uint16_t half_to_f16(float v);

#endif
