/*
 * kernel.h - a mark of functions that are compiled once for each kind of processor.
 *
 * A source file with such functions is compiled with KERNEL_SET=v3 (and so on) and that processor's
 * flags: there its functions, and calls of others of the same set, are gemm_v3 to the linker.
 * Everywhere else gemm is the function of kernels.c that calls the set which was chosen at the
 * start. Each has its row in KERNELS of kernels.h.
 */
#ifndef TENSOR_KERNEL_H
#define TENSOR_KERNEL_H

#ifdef KERNEL_SET
#define KERNEL_TEXT(x) #x
#define KERNEL_NAMED(name, set) __asm__(#name "_" KERNEL_TEXT(set))
#define KERNEL(name) KERNEL_NAMED(name, KERNEL_SET)
#else
#define KERNEL(name)
#endif

#endif
