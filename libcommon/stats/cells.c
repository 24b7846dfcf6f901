/* cells.c - a table in three forms. See cells.h. */
#include "stats/cells.h"
#include "base/json.h"
#include "base/num.h"
#include "base/utf8.h"
#include "stream/columns.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void cells_json_text(struct buf *b, struct span s)
{
	struct buf plain = {0};

	if (utf8_valid(s.p, s.n))
		buf_add(&plain, s.p, s.n);
	else
		for (size_t i = 0; i < s.n; i++)
			buf_printf(&plain, (unsigned char)s.p[i] < 0x80 ? "%c" : "\\x%02x",
				   (unsigned char)s.p[i]);
	json_string_to(b, plain.p ? plain.p : "", plain.n);
	buf_free(&plain);
}

/* What comes before the value; false: it is not wanted. */
static bool begin_cell(struct cells *c, const char *name)
{
	static const char between[] = {[CELLS_HEADER] = '\t',
				       [CELLS_TABLE] = '\t',
				       [CELLS_LINES] = '\n',
				       [CELLS_JSON] = ','};

	if (c->open)
		buf_char(c->to, between[c->form]);
	else if (c->form == CELLS_JSON)
		buf_char(c->to, '{');
	c->open = true;
	if (c->form == CELLS_JSON) {
		cells_json_text(c->to, (struct span){name, strlen(name)});
		buf_char(c->to, ':');
	} else if (c->form != CELLS_TABLE) {
		columns_escape(c->to, name, strlen(name));
	}
	if (c->form == CELLS_LINES)
		buf_char(c->to, '\t');
	return c->form != CELLS_HEADER;
}

void cells_text(struct cells *c, const char *name, struct span text)
{
	if (!begin_cell(c, name))
		return;
	if (c->form == CELLS_JSON)
		cells_json_text(c->to, text);
	else
		columns_escape(c->to, text.p, text.n);
}

void cells_count(struct cells *c, const char *name, uint64_t n)
{
	if (begin_cell(c, name))
		buf_printf(c->to, "%" PRIu64, n);
}

void cells_place(struct cells *c, const char *name, int64_t n)
{
	if (n >= 0)
		cells_count(c, name, (uint64_t)n);
	else if (begin_cell(c, name))
		buf_str(c->to, c->form == CELLS_JSON ? "null" : "-");
}

void cells_number(struct cells *c, const char *name, double v)
{
	char num[32];

	if (!begin_cell(c, name))
		return;
	if (c->form == CELLS_JSON)
		buf_str(c->to, isfinite(v) ? num_text(v, num) : "null");
	else if (isnan(v))
		buf_str(c->to, "n/a");
	else
		buf_printf(c->to, "%.*g", c->form == CELLS_LINES ? 15 : 6, v);
}

void cells_flag(struct cells *c, const char *name, bool is)
{
	if (!begin_cell(c, name))
		return;
	if (c->form == CELLS_JSON)
		buf_str(c->to, is ? "true" : "false");
	else
		buf_str(c->to, is ? "yes" : "no");
}

void cells_ids(struct cells *c, const char *name, const uint32_t *v, size_t n)
{
	if (!begin_cell(c, name))
		return;
	if (c->form == CELLS_JSON)
		buf_char(c->to, '[');
	for (size_t i = 0; i < n; i++)
		buf_printf(c->to, i ? ",%" PRIu32 : "%" PRIu32, v[i]);
	if (c->form == CELLS_JSON)
		buf_char(c->to, ']');
}

void cells_end(struct cells *c)
{
	buf_str(c->to, c->form == CELLS_JSON ? "}\n" : "\n");
	c->open = false;
}
