/* jinjaprint.h - values as text: Python's str and repr, and JSON as transformers' tojson writes it.
 */
#ifndef CHAT_JINJAPRINT_H
#define CHAT_JINJAPRINT_H

#include "chat/jinjavalue.h"

enum { JINJA_FLAT = -1 }; /* an indentation: all on one line */

struct jjson {
	bool ascii, sorted;
	int indent; /* JINJA_FLAT: none; times pad */
	struct span pad, comma, colon;
};

/* Append to the text. */
void jinja_print(struct jwork *w, struct jvalue v);
void jinja_print_repr(struct jwork *w, struct jvalue v);
void jinja_print_json(struct jwork *w, struct jvalue v, const struct jjson *how);
/* The shortest digits that read back as f, as Python's repr */
void jinja_print_float(struct jwork *w, double f);
void jinja_print_int(struct jwork *w, int64_t i);
/* str(v) */
const struct jstr *jinja_print_str(struct jwork *w, struct jvalue v);

#endif
