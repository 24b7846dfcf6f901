/*
 * kernel.h - how a function is declared that is compiled once for each kind of processor.
 *
 * A source file with such functions is compiled with KERNEL_SET=v3 (and so on) and that processor's
 * flags: there KERNEL(void, gemm, (...)) declares a function which is gemm_v3 to the linker.
 * Everywhere else it declares a pointer gemm, which kernels.c makes point to that of the set that
 * was chosen at the start. Each has its name in KERNELS of kernels.h. Where another set has the
 * same functions but for those of bf16.h and what calls them, which are declared by KERNEL_BF16,
 * KERNEL_REST names it: there gemm is gemm_v4.
 */
#ifndef TENSOR_KERNEL_H
#define TENSOR_KERNEL_H

#ifdef KERNEL_SET
#define KERNEL_TEXT(x) #x
#define KERNEL_NAMED(name, set) __asm__(#name "_" KERNEL_TEXT(set))
#ifndef KERNEL_REST
#define KERNEL_REST KERNEL_SET
#endif
#define KERNEL(type, name, params) type name params KERNEL_NAMED(name, KERNEL_REST)
#define KERNEL_BF16(type, name, params) type name params KERNEL_NAMED(name, KERNEL_SET)
#else
#define KERNEL(type, name, params) extern type(*name) params
#define KERNEL_BF16(type, name, params) KERNEL(type, name, params)
#endif

#endif
