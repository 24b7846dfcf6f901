/*
 * vec.h - one vector type of floats, as wide as the machine has it, and the few operations that the
 * kernels are written in.
 *
 * Every operation is fixed to the bit, so that a loop gives the same numbers whatever VL is: what
 * goes element by element does anyway; what goes over elements (sums, maxima) does so in LANES
 * numbers side by side, struct lanes, in one vector or in several. The compiler fuses nothing
 * (-ffp-contract=off): where a product and a sum are rounded once it says vf_fma. For
 * libcommon/tensor alone.
 */
#ifndef TENSOR_VEC_H
#define TENSOR_VEC_H

#include "tensor/half.h"
#include "tensor/matrix.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef VEC_LANES /* a test of the widest kernels on a narrower machine gives it */
#if defined(__AVX512F__) && defined(__AVX512DQ__)
#define VEC_LANES 16
#elif defined(__AVX2__) && defined(__FMA__)
#define VEC_LANES 8
#else
#define VEC_LANES 4
#endif
#endif

#if VEC_LANES == 16 && defined(__AVX512F__)
#define VEC_512
#elif VEC_LANES == 8 && defined(__AVX2__) && defined(__FMA__)
#define VEC_256
#elif VEC_LANES == 4 && defined(__ARM_NEON)
#define VEC_NEON
#elif VEC_LANES == 4 && defined(__SSE2__)
#define VEC_128
#endif

#if defined(VEC_NEON)
#include <arm_neon.h>
#elif defined(__SSE2__)
#include <immintrin.h>
#endif

enum { VL = VEC_LANES, PARTS = LANES / VL };

typedef float vf
	__attribute__((vector_size(VL * sizeof(float)), aligned(sizeof(float)), may_alias));
typedef int32_t vi
	__attribute__((vector_size(VL * sizeof(float)), aligned(sizeof(float)), may_alias));

static inline vf vf_load(const float *p)
{
	return *(const vf *)p;
}

static inline void vf_store(float *p, vf v)
{
	*(vf *)p = v;
}

static inline vf vf_set(float x)
{
	return x - (vf){0};
}

/* The first `left` of a vector, where it has so many; the others are 0. */
static inline vf vf_some(const float *p, size_t left)
{
	float t[VL] = {0};

	if (left >= VL)
		return vf_load(p);
	memcpy(t, p, left * sizeof *t);
	return vf_load(t);
}

static inline void vf_put_some(float *p, vf v, size_t left)
{
	float t[VL];

	if (left >= VL) {
		vf_store(p, v);
		return;
	}
	vf_store(t, v);
	memcpy(p, t, left * sizeof *t);
}

#if defined(VEC_128) && !defined(__FMA__)
/*
 * a * b + c of floats, from which rounding to float gives what fmaf gives, on machines without the
 * instruction. The product is exact in double (2 * 24 bits of 53). s is the sum rounded, e what
 * that left out, exactly (Knuth's two-sum: nothing of double's range is near). Where e is not 0, s
 * becomes the neighbour of the true sum whose last bit is 1: rounding a number that was rounded so,
 * to at least two bits fewer, is rounding the true one (Boldo and Melquiond, "Emulation of FMA and
 * correctly rounded sums", 2008), subnormal results included.
 */
static inline __m128d vec_sum_to_odd(__m128d a, __m128d b, __m128d c)
{
	const __m128i one = _mm_set1_epi64x(1);
	__m128d p = a * b, s = p + c, t = s - p, e = (p - (s - t)) + (c - t);
	__m128d off = _mm_and_pd(_mm_cmpneq_pd(e, _mm_setzero_pd()), _mm_cmpord_pd(e, e));
	__m128i i = _mm_castpd_si128(s), even = _mm_sub_epi64(_mm_and_si128(i, one), one);
	__m128i away = _mm_srli_epi64(_mm_castpd_si128(_mm_xor_pd(s, e)), 63); /* e points to 0 */
	__m128i step = _mm_sub_epi64(one, _mm_slli_epi64(away, 1));

	step = _mm_and_si128(step, _mm_and_si128(even, _mm_castpd_si128(off)));
	return _mm_castsi128_pd(_mm_add_epi64(i, step));
}

/* A function of its own: a product's tiles would be too much code. */
static __attribute__((noinline, unused)) __m128 vec_fma(__m128 a, __m128 b, __m128 c)
{
	__m128d low = vec_sum_to_odd(_mm_cvtps_pd(a), _mm_cvtps_pd(b), _mm_cvtps_pd(c));
	__m128d high =
		vec_sum_to_odd(_mm_cvtps_pd(_mm_movehl_ps(a, a)), _mm_cvtps_pd(_mm_movehl_ps(b, b)),
			       _mm_cvtps_pd(_mm_movehl_ps(c, c)));

	return _mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(high));
}
#endif

/* a * b + c, rounded once */
static inline vf vf_fma(vf a, vf b, vf c)
{
#if defined(VEC_512)
	return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(VEC_256)
	return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(VEC_NEON)
	return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#elif defined(VEC_128) && !defined(__FMA__)
	return (vf)vec_fma((__m128)a, (__m128)b, (__m128)c);
#else
	vf r;

	for (int i = 0; i < VL; i++)
		r[i] = fmaf(a[i], b[i], c[i]);
	return r;
#endif
}

static inline vf vf_select(vi mask, vf yes, vf no)
{
#if defined(VEC_512)
	return (vf)_mm512_mask_blend_ps(_mm512_movepi32_mask((__m512i)mask), (__m512)no,
					(__m512)yes);
#else
	return (vf)((mask & (vi)yes) | (~mask & (vi)no));
#endif
}

typedef uint16_t vec_halves
	__attribute__((vector_size(VL * sizeof(float)), aligned(sizeof(float)), may_alias));
typedef uint32_t vec_words
	__attribute__((vector_size(VL * sizeof(float)), aligned(sizeof(float)), may_alias));

/* half_bf16_bits of each */
static inline vec_words vec_bf16_bits(vf x)
{
	vec_words u = (vec_words)x, r = u + 0x7fff + (u >> 16 & 1);

	return (vec_words)vf_select(x == x, (vf)r, (vf)(u | 0x400000));
}

/* The upper halves of a's words, then of b's */
#if VEC_LANES == 16
#define VEC_UPPER                                                                                  \
	1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 43, 45, 47, \
		49, 51, 53, 55, 57, 59, 61, 63
#elif VEC_LANES == 8
#define VEC_UPPER 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#else
#define VEC_UPPER 1, 3, 5, 7, 9, 11, 13, 15
#endif

/* 2 VL numbers, a before b, rounded to bf16: VL pairs */
static inline vec_words vec_pairs(vf a, vf b)
{
	return (vec_words)__builtin_shufflevector((vec_halves)vec_bf16_bits(a),
						  (vec_halves)vec_bf16_bits(b), VEC_UPPER);
}

/* Number i of both, rounded to bf16, as pair i */
static inline vec_words vec_pair(vf low, vf high)
{
	return vec_bf16_bits(low) >> 16 | (vec_bf16_bits(high) & 0xffff0000);
}

/* The same of two rows of n numbers; high NULL: of zeros */
static inline void vec_pair_rows(uint32_t *dst, const float *low, const float *high, size_t n)
{
	size_t i = 0;

	for (; high && i + VL <= n; i += VL)
		*(vec_words *)(dst + i) = vec_pair(vf_load(low + i), vf_load(high + i));
	for (; i < n; i++)
		dst[i] = half_bf16_pair(low[i], high ? high[i] : 0);
}

/* b where one is NaN; vf_min too */
static inline vf vf_max(vf a, vf b)
{
#if defined(VEC_512)
	return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(VEC_256)
	return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#else
	return vf_select(a > b, a, b);
#endif
}

static inline vf vf_min(vf a, vf b)
{
#if defined(VEC_512)
	return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(VEC_256)
	return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#else
	return vf_select(a < b, a, b);
#endif
}

static inline vf vf_sqrt(vf v)
{
#if defined(VEC_512)
	return (vf)_mm512_sqrt_ps((__m512)v);
#elif defined(VEC_256)
	return (vf)_mm256_sqrt_ps((__m256)v);
#elif defined(VEC_NEON)
	return (vf)vsqrtq_f32((float32x4_t)v);
#elif defined(VEC_128)
	return (vf)_mm_sqrt_ps((__m128)v);
#else
	for (int i = 0; i < VL; i++)
		v[i] = sqrtf(v[i]);
	return v;
#endif
}

/*
 * exp(x) to about 1 ulp for -87 <= x <= 88; below, 0; above, exp(88); NaN stays NaN. Range
 * reduction by ln 2 in two parts, then the degree-6 polynomial of Cephes' expf.
 */
static inline vf vf_exp(vf x)
{
	const vf lo = vf_set(-87.0f), hi = vf_set(88.0f),
		 magic = vf_set(12582912.0f); /* 1.5 * 2^23 */
	vf c = vf_min(hi, vf_max(lo, x));
	vf k = vf_fma(c, vf_set(1.44269504088896341f), magic);
	vf n = k - magic, r, p; /* round(c / ln 2) */

	r = vf_fma(n, vf_set(-0.693359375f), c);
	r = vf_fma(n, vf_set(2.12194440e-4f), r);
	p = vf_fma(vf_set(1.9875691500e-4f), r, vf_set(1.3981999507e-3f));
	p = vf_fma(p, r, vf_set(8.3334519073e-3f));
	p = vf_fma(p, r, vf_set(4.1665795894e-2f));
	p = vf_fma(p, r, vf_set(1.6666665459e-1f));
	p = vf_fma(p, r, vf_set(5.0000001201e-1f));
	p = vf_fma(p, r * r, r) + 1.0f;
	p = vf_select(x == x, (vf)((vi)p + (((vi)k - (vi)magic) << 23)), x); /* k's low bits: n */
	return vf_select(x < lo, vf_set(0.0f), p);
}

/*
 * tanh(x) to about 2 ulp: below 0.625 x + x^3 P(x^2) of Cephes' tanhf, else 1 - 2 / (e^2|x| + 1)
 * with the sign of x.
 */
static inline vf vf_tanh(vf x)
{
	const vi sign = (vi)vf_set(-0.0f);
	vf a = (vf)((vi)x & ~sign), z = x * x, p, big;

	p = vf_fma(vf_set(-5.70498872745e-3f), z, vf_set(2.06390887954e-2f));
	p = vf_fma(p, z, vf_set(-5.37397155531e-2f));
	p = vf_fma(p, z, vf_set(1.33314422036e-1f));
	p = vf_fma(p, z, vf_set(-3.33332819422e-1f));
	p = vf_fma(p * z, x, x);
	big = 1.0f - 2.0f / (vf_exp(2.0f * a) + 1.0f);
	big = (vf)((vi)big | ((vi)x & sign));
	return vf_select(a < 0.625f, p, big);
}

/* LANES numbers side by side: the i-th of each LANES goes into number i. */
struct lanes {
	vf v[PARTS];
};

#define EACH_PART(i) _Pragma("GCC unroll 4") for (int i = 0; i < PARTS; i++)

static inline struct lanes lanes_set(float x)
{
	struct lanes a;

	EACH_PART(i)
	a.v[i] = vf_set(x);
	return a;
}

static inline struct lanes lanes_load(const float *p)
{
	struct lanes a;

	EACH_PART(i)
	a.v[i] = vf_load(p + (size_t)i * VL);
	return a;
}

static inline void lanes_store(float *p, struct lanes a)
{
	EACH_PART(i)
	vf_store(p + (size_t)i * VL, a.v[i]);
}

/* LANES numbers from p: where there are only `left`, copied to t and filled up. */
static inline const float *lanes_whole(const float *p, size_t left, float fill, float t[LANES])
{
	if (left >= LANES)
		return p;
	for (size_t i = 0; i < LANES; i++)
		t[i] = i < left ? p[i] : fill;
	return t;
}

static inline struct lanes lanes_some(const float *p, size_t left)
{
	float t[LANES];

	return lanes_load(lanes_whole(p, left, 0, t));
}

static inline struct lanes lanes_add(struct lanes a, struct lanes b)
{
	EACH_PART(i)
	a.v[i] += b.v[i];
	return a;
}

static inline struct lanes lanes_sub(struct lanes a, struct lanes b)
{
	EACH_PART(i)
	a.v[i] -= b.v[i];
	return a;
}

static inline struct lanes lanes_mul(struct lanes a, struct lanes b)
{
	EACH_PART(i)
	a.v[i] *= b.v[i];
	return a;
}

static inline struct lanes lanes_fma(struct lanes a, struct lanes b, struct lanes c)
{
	EACH_PART(i)
	c.v[i] = vf_fma(a.v[i], b.v[i], c.v[i]);
	return c;
}

static inline struct lanes lanes_max(struct lanes a, struct lanes b)
{
	EACH_PART(i)
	a.v[i] = vf_max(a.v[i], b.v[i]);
	return a;
}

/* From number n on they become -infinity, of which exp is 0. */
static inline struct lanes lanes_below(struct lanes a, size_t n)
{
	vi number;

	for (int i = 0; i < VL; i++)
		number[i] = i;
	EACH_PART(i)
	a.v[i] = vf_select(number + i * VL < (int32_t)n, a.v[i], vf_set(-INFINITY));
	return a;
}

/* Their sum: the upper half is added to the lower one, and so on. */
static inline float lanes_sum(struct lanes a)
{
	float x[VL];

	for (int n = PARTS / 2; n > 0; n /= 2)
		for (int i = 0; i < n; i++)
			a.v[i] += a.v[i + n];
	vf_store(x, a.v[0]);
	for (int n = VL / 2; n > 0; n /= 2)
		for (int i = 0; i < n; i++)
			x[i] += x[i + n];
	return x[0];
}

/* The greatest, in the same order: of a pair the one in the upper half where one is NaN */
static inline float lanes_top(struct lanes a)
{
	float x[VL];

	for (int n = PARTS / 2; n > 0; n /= 2)
		for (int i = 0; i < n; i++)
			a.v[i] = vf_max(a.v[i], a.v[i + n]);
	vf_store(x, a.v[0]);
	for (int n = VL / 2; n > 0; n /= 2)
		for (int i = 0; i < n; i++)
			x[i] = x[i] > x[i + n] ? x[i] : x[i + n];
	return x[0];
}

/* The sum of a_i b_i */
static inline float lanes_dot(const float *a, const float *b, size_t n)
{
	struct lanes s = lanes_set(0);

	for (size_t i = 0; i < n; i += LANES)
		s = lanes_fma(lanes_some(a + i, n - i), lanes_some(b + i, n - i), s);
	return lanes_sum(s);
}

#endif
