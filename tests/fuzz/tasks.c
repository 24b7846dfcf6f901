/* tasks.c - any bytes as a file of problems: what is accepted has an id and a prompt, and is the
 * same when it is read again. */
#include "common/fuzz.h"

#include "stream/mp.h"
#include "task/task.h"

#include <string.h>

const struct fuzz_memory fuzz_memory = {1 << 20, 2000, FUZZ_ZSTD};

static void check(const struct task *t)
{
	size_t len;

	MUST(t->id && !t->prompt == !!t->messages);
	MUST(!t->tools || t->messages);
	MUST(!t->implied || t->verifier);
	MUST(task_verifier(t, NULL) == t->verifier);
	if (t->meta.n) {
		MUST(mp_skim(t->meta.p, t->meta.n, &len) == MP_OK && len == t->meta.n);
		MUST(mp_type((struct mp){(const uint8_t *)t->meta.p, len}) == MP_MAP);
	}
}

void fuzz_one(const uint8_t *p, size_t n)
{
	const char *path = fuzz_file(0, p, n);
	struct task_set s, again;
	struct reason why = {0};

	if (task_load(&s, path, &why)) {
		MUST(why.status == ST_INPUT && why.text[0] && !s.v);
		return;
	}
	MUST(s.n);
	for (size_t i = 0; i < s.n; i++) {
		check(&s.v[i]);
		for (size_t k = 0; k < i && k < 16; k++)
			MUST(strcmp(s.v[i].id, s.v[k].id) != 0);
	}
	MUST(task_load(&again, path, &why) == 0 && again.n == s.n);
	MUST(task_hash(&again) == task_hash(&s));
	task_free(&again);
	task_free(&s);
}
