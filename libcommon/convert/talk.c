/* talk.c - messages as JSON. See talk.h. */
#include "convert/talk.h"
#include "base/json.h"

bool talk_has_role(struct tape_val message)
{
	return tape_type(tape_get(message, "role")) == TAPE_TEXT;
}

bool talk_is(struct tape_val list)
{
	struct tape_iter it = tape_walk(list);
	bool is = it.left && !it.pairs;
	struct tape_val none, m;

	while (is && tape_next(&it, &none, &m))
		is = talk_has_role(m);
	return is;
}

void talk_put(struct buf *b, const char *role, struct span content)
{
	buf_str(b, "{\"role\":\"");
	buf_str(b, role);
	buf_str(b, "\",\"content\":");
	json_string_to(b, content.p, content.n);
	buf_char(b, '}');
}
