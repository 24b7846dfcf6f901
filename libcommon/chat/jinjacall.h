/* jinjacall.h - functions with arguments, and tests, which are asked for by name. */
#ifndef CHAT_JINJACALL_H
#define CHAT_JINJACALL_H

#include "chat/jinjavalue.h"

/* Gives f its arguments as Python does; kind ("filter", ...): for messages. */
struct jvalue jinja_call(struct jwork *w, const char *kind, const struct jfunction *f,
			 struct jvalue self, const struct jargs *args);
/* v is NAME(args) */
bool jinja_call_test(struct jwork *w, const struct jstr *name, struct jvalue v,
		     const struct jargs *args);

#endif
