/* jinjaeval.h - a parsed template is run. */
#ifndef CHAT_JINJAEVAL_H
#define CHAT_JINJAEVAL_H

#include "chat/jinjaparse.h"

/* What generation blocks wrote: bytes from .. to */
struct jpart {
	size_t from, to;
};

struct jparts {
	struct jpart *v; /* memory of the work */
	size_t n, room;
};

/* Writes to w->out. variables: a map of what the template is given. */
void jinja_eval(struct jwork *w, const struct jtree *t, const struct jdict *variables,
		struct jparts *parts);

#endif
