/* jinjatext.h - what Python's strings can do. */
#ifndef CHAT_JINJATEXT_H
#define CHAT_JINJATEXT_H

#include "chat/jinjavalue.h"

/* The method of that name; NULL: strings have none */
const struct jfunction *jinja_text_method(const struct jstr *name);

/* ---- what filters do as well ---- */
struct jvalue jinja_text_upper(struct jwork *w, const struct jstr *s);
struct jvalue jinja_text_lower(struct jwork *w, const struct jstr *s);
struct jvalue jinja_text_capital(struct jwork *w, const struct jstr *s);
/* chars NULL: white space */
struct jvalue jinja_text_strip(struct jwork *w, const struct jstr *s, const struct jstr *chars,
			       bool left, bool right);
/* most < 0: all */
struct jvalue jinja_text_replace(struct jwork *w, const struct jstr *s, const struct jstr *from,
				 const struct jstr *to, int64_t most);
struct jlist *jinja_text_lines(struct jwork *w, const struct jstr *s, bool keep);
struct jvalue jinja_text_center(struct jwork *w, const struct jstr *s, int64_t width,
				const struct jstr *fill);
/* The same text, to which nothing is added unescaped; with HTML's marks escaped, unless it is safe.
 */
struct jvalue jinja_text_safe(struct jwork *w, const struct jstr *s);
struct jvalue jinja_text_escape(struct jwork *w, const struct jstr *s);
/* Has it letters, and are all of this case? */
bool jinja_text_is_case(const struct jstr *s, bool upper);

#endif
