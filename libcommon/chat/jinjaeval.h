/* jinjaeval.h - a parsed template is run. */
#ifndef CHAT_JINJAEVAL_H
#define CHAT_JINJAEVAL_H

#include "chat/jinja.h"
#include "chat/jinjaparse.h"

/* What generation blocks wrote */
struct jparts {
	struct jinja_part *v; /* memory of the work */
	size_t n, room;
};

/* Writes to w->out. variables: a map of what the template is given. */
void jinja_eval(struct jwork *w, const struct jtree *t, const struct jdict *variables,
		struct jparts *parts);

#endif
