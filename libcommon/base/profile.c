/* profile.c - where the time of the main thread goes. See profile.h. */
#include "base/profile.h"
#include "base/err.h"
#include "base/clock.h"

static struct profile total;
static enum profile_part at;
static double since; /* 0: counting has not begun */

enum profile_part profile_to(enum profile_part part)
{
	enum profile_part before = at;
	double now = clock_now();

	if (since > 0)
		total.s[at] += now - since;
	since = now;
	at = part;
	return before;
}

struct profile profile_now(void)
{
	profile_to(at);
	return total;
}

struct profile profile_since(const struct profile *then)
{
	struct profile p = profile_now();

	for (int i = 0; i < PROFILE_PARTS; i++)
		p.s[i] -= then->s[i];
	return p;
}

const char *profile_name(enum profile_part part)
{
	static const char *const names[PROFILE_PARTS] = {
		"rest", "sampling", "verifying", "forward", "backward", "update", "waiting"};

	return names[part];
}

void profile_show(void)
{
	struct profile p = profile_now();
	double sum = 0;

	for (int i = 0; i < PROFILE_PARTS; i++)
		sum += p.s[i];
	for (int i = 0; i < PROFILE_PARTS; i++)
		msg_info("%-9s %10.3f s %5.1f %%", profile_name((enum profile_part)i), p.s[i],
			 100 * p.s[i] / sum);
}
