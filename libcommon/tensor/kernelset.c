/* kernelset.c - the functions of one set of kernels. Compiled once for each. See kernels.h. */
#include "tensor/kernels.h"

#define ENTRY(name) .name = name,

extern const struct kernels kernels_here KERNEL_NAMED(kernels, KERNEL_SET);

const struct kernels kernels_here = {KERNELS(ENTRY)};
