/* kernels.c - the set of kernels that is in use. See kernels.h. */
#include "tensor/kernels.h"
#include "tensor/tile.h"

#include <assert.h>

extern const struct kernels kernels_plain;
#ifdef KERNELS_v3
extern const struct kernels kernels_v3;
#endif
#ifdef KERNELS_v4
extern const struct kernels kernels_v4;
#endif
#ifdef KERNELS_amx
extern const struct kernels kernels_amx;
#endif
#ifdef KERNELS_v4bf16
extern const struct kernels kernels_v4bf16;
#endif

static const struct kernels *const sets[CPU_SETS] = {
	[CPU_PLAIN] = &kernels_plain,
#ifdef KERNELS_v3
	[CPU_V3] = &kernels_v3,
#endif
#ifdef KERNELS_v4
	[CPU_V4] = &kernels_v4,
#endif
#ifdef KERNELS_amx
	[CPU_AMX] = &kernels_amx,
#endif
#ifdef KERNELS_v4bf16
	[CPU_V4BF16] = &kernels_v4bf16,
#endif
};

#define POINTER(name) __typeof__(name) name;

KERNELS(POINTER)

static enum cpu_set used;
int tile_panels = 1;

#define POINT(name) name = set->name;

void kernels_use(enum cpu_set s)
{
	const struct kernels *set = sets[s];

	assert(cpu_has(s));
	KERNELS(POINT)
	used = s;
}

enum cpu_set kernels_used(void)
{
	return used;
}

/* Before main; what is wrong with the environment is told by tool_start. */
__attribute__((constructor)) static void start(void)
{
	enum cpu_set s;

	cpu_choose(&s, NULL);
	kernels_use(s);
	tile_panels = cpu_is_zen4() ? 1 : TILE_MOST;
}
