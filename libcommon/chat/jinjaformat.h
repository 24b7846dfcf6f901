/* jinjaformat.h - text made by a pattern: Python's "%s" % x and "{}".format(x). What is rarely
 * meant (attributes of what is formatted) is refused by name. */
#ifndef CHAT_JINJAFORMAT_H
#define CHAT_JINJAFORMAT_H

#include "chat/jinjavalue.h"

/* args: a tuple, a map, or one value */
struct jvalue jinja_format_percent(struct jwork *w, const struct jstr *s, struct jvalue args);
struct jvalue jinja_format_braces(struct jwork *w, const struct jstr *s, const struct jargs *args);

#endif
