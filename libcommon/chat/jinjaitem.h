/* jinjaitem.h - what square brackets and `in` mean in Python: parts of strings, lists and maps. */
#ifndef CHAT_JINJAITEM_H
#define CHAT_JINJAITEM_H

#include "chat/jinjavalue.h"

/* v[key]; false: there is no such part, or v has none */
bool jinja_item(struct jwork *w, struct jvalue v, struct jvalue key, struct jvalue *to);
/* v[from:to:stride], each J_MISSING or None where it is not given */
struct jvalue jinja_item_slice(struct jwork *w, struct jvalue v, const struct jvalue at[3]);
bool jinja_item_in(struct jwork *w, struct jvalue item, struct jvalue v);
/* A row of values, made longer by one */
void jinja_item_push(struct jwork *w, struct jlist *l, struct jvalue v);

#endif
