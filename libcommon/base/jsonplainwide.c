/* jsonplainwide.c - the same, compiled for AVX2 where there is a set of kernels for that. See
 * jsonplain.h. */
#include "base/jsonplain.h"

void jsonplainwide(struct jsonplain *s)
{
	jsonplain_blocks(s);
}
