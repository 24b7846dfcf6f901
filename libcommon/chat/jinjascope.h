/* jinjascope.h - the names of a template: what it set, and what is always there. */
#ifndef CHAT_JINJASCOPE_H
#define CHAT_JINJASCOPE_H

#include "chat/jinjavalue.h"

/* The names that one block set. Names are compared by pointer, see jinjaparse.h. */
struct jscope {
	struct jscope *up; /* around it; NULL: the template's own */
	struct jnamed *v;
	size_t n, room;
	bool kept; /* a macro looks into it */
};

struct jscope *jinja_scope_new(struct jwork *w, struct jscope *up);
/* Empty, for the next round of a loop: the same one, unless it is kept */
struct jscope *jinja_scope_again(struct jwork *w, struct jscope *s);
void jinja_scope_keep(struct jscope *s); /* and those around it */
void jinja_scope_set(struct jwork *w, struct jscope *s, const struct jstr *name, struct jvalue v);
/* In s or around it; NULL: not set */
struct jvalue *jinja_scope_find(struct jwork *w, struct jscope *s, const struct jstr *name);
/* range, namespace, raise_exception ...; NULL: none */
const struct jfunction *jinja_scope_global(const struct jstr *name);

#endif
