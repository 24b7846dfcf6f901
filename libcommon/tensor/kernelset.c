/* kernelset.c - the functions of one set of kernels. Compiled once for each. See kernels.h. */
#include "tensor/kernels.h"

#define ENTRY(type, name, params, args) .name = name,

extern const struct kernels kernels_here KERNEL(kernels);

const struct kernels kernels_here = {KERNELS(ENTRY)};
