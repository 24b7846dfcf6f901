/* jinjafilter.h - what stands behind |: Jinja's filters, and transformers' tojson. */
#ifndef CHAT_JINJAFILTER_H
#define CHAT_JINJAFILTER_H

#include "chat/jinjavalue.h"

/* v | NAME(args). A name that is no filter fails. */
struct jvalue jinja_filter(struct jwork *w, const struct jstr *name, struct jvalue v,
			   const struct jargs *args);

#endif
