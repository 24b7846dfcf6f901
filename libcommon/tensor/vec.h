/*
 * vec.h - one vector type of floats, as wide as the machine has it, and the few operations that the
 * kernels are written in. Every operation is fixed here, fma included, so that two loops over the
 * same numbers give the same bits.
 */
#ifndef TENSOR_VEC_H
#define TENSOR_VEC_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#include <immintrin.h>
enum { VL = 16 }; /* lanes */
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
enum { VL = 8 };
#else
enum { VL = 4 };
#endif

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

/* a * b + c, rounded once where the machine can */
static inline vf vf_fma(vf a, vf b, vf c)
{
#if defined(__AVX512F__)
	return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__) && defined(__FMA__)
	return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
	return a * b + c;
#endif
}

static inline vf vf_select(vi mask, vf yes, vf no)
{
#if defined(__AVX512DQ__)
	return (vf)_mm512_mask_blend_ps(_mm512_movepi32_mask((__m512i)mask), (__m512)no,
					(__m512)yes);
#else
	return (vf)((mask & (vi)yes) | (~mask & (vi)no));
#endif
}

/* Lanes from n on become -infinity. */
static inline vf vf_below(vf v, size_t n)
{
	vi lane;

	for (int i = 0; i < VL; i++)
		lane[i] = i;
	return vf_select(lane < (int32_t)n, v, vf_set(-INFINITY));
}

/* b where one is NaN; vf_min too */
static inline vf vf_max(vf a, vf b)
{
#if defined(__AVX512F__)
	return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__) && defined(__FMA__)
	return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#else
	return vf_select(a > b, a, b);
#endif
}

static inline vf vf_min(vf a, vf b)
{
#if defined(__AVX512F__)
	return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__) && defined(__FMA__)
	return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#else
	return vf_select(a < b, a, b);
#endif
}

/* Lanes are folded in halves: a fixed order. */
static inline float vf_sum(vf v)
{
#if defined(__AVX512F__)
	__m256 h = _mm512_castps512_ps256((__m512)v) +
		   _mm256_castpd_ps(_mm512_extractf64x4_pd((__m512d)v, 1));
	__m128 q = _mm256_castps256_ps128(h) + _mm256_extractf128_ps(h, 1);

	q += _mm_movehl_ps(q, q);
	return q[0] + q[1];
#else
	float x[VL];

	memcpy(x, &v, sizeof x);
	for (int n = VL / 2; n > 0; n /= 2)
		for (int i = 0; i < n; i++)
			x[i] += x[i + n];
	return x[0];
#endif
}

static inline float vf_top(vf v)
{
#if defined(__AVX512F__)
	return _mm512_reduce_max_ps((__m512)v);
#else
	float m = v[0];

	for (int i = 1; i < VL; i++)
		m = v[i] > m ? v[i] : m;
	return m;
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
#if defined(__AVX512F__)
	p = (vf)_mm512_scalef_ps((__m512)p, (__m512)n);
#else
	p = vf_select(x == x, (vf)((vi)p + (((vi)k - (vi)magic) << 23)), x); /* k's low bits: n */
#endif
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

#endif
