/* Hindsight of path: which problem a wrong route solves, worked by hand. */
#include "kinds/gen.h"
#include "stream/pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct span sp(const char *s)
{
	return (struct span){s, strlen(s)};
}

/* The route asked for is from a to e, as abde or abcde. */
static void routes(void **state)
{
	static const struct {
		const char *response, *solves; /* NULL: nothing */
	} rows[] = {
		{"abde", "path:ab,bc,bd,ca,cd,de:ae"},
		{"abcd", "path:ab,bc,bd,ca,cd,de:ad"},
		{"bca", "path:ab,bc,bd,ca,cd,de:ba"},
		{"Answer: cde", "path:ab,bc,bd,ca,cd,de:ce"},
		{"ab", NULL},   /* an edge joins them */
		{"bcd", NULL},  /* and these */
		{"abca", NULL}, /* a node twice */
		{"abe", NULL},  /* no such edge */
		{"a", NULL},
		{"", NULL},
		{"aBc", NULL},
	};
	struct buf meta = {0}, id = {0};
	msgpack_packer pk;

	(void)state;
	pack_init(&pk, &meta);
	msgpack_pack_map(&pk, 1);
	pack_str(&pk, "edges");
	pack_str(&pk, "ab bc bd ca cd de");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct verify_item it = {.response = sp(rows[i].response),
					 .answer = sp("ae"),
					 .meta = {(const uint8_t *)meta.p, meta.n}};
		bool solved = gen_solves(&kind_path, &it, &id);

		if (solved != (rows[i].solves != NULL) ||
		    (solved && strcmp(buf_cstr(&id), rows[i].solves)))
			fail_msg("\"%s\" solves %s", rows[i].response,
				 solved ? buf_cstr(&id) : "nothing");
	}
	buf_free(&meta);
	buf_free(&id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(routes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
