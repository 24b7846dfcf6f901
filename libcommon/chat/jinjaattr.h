/* jinjaattr.h - x.name and x["name"], as Jinja's sandbox has them: of a map, methods come before
 * keys with a dot and behind them in brackets; what would change a list or map, or begins with "_",
 * is out of reach. */
#ifndef CHAT_JINJAATTR_H
#define CHAT_JINJAATTR_H

#include "chat/jinjavalue.h"

struct jvalue jinja_attr(struct jwork *w, struct jvalue v, const struct jstr *name);
struct jvalue jinja_attr_item(struct jwork *w, struct jvalue v, struct jvalue key);
/* Is there such an attribute (not a key)? */
bool jinja_attr_find(struct jwork *w, struct jvalue v, const struct jstr *name, struct jvalue *to);
/* What v[.a.b] is: path a name, names with dots, or a number */
struct jvalue jinja_attr_path(struct jwork *w, struct jvalue v, struct jvalue path);

/* The attributes of a loop are the evaluator's. */
typedef bool (*jinja_loop_fn)(struct jwork *w, struct jloop *l, const struct jstr *name,
			      struct jvalue *to);
struct jloop {
	jinja_loop_fn attribute;
};

#endif
