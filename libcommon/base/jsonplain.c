/* jsonplain.c - plain bytes of JSON, on any processor. See jsonplain.h. */
#include "base/jsonplain.h"

void jsonplain(struct jsonplain *s)
{
	jsonplain_blocks(s);
}
