/* choice.h - the answers that servers give in OpenAI's form: chat and text completions, vLLM's too.
 */
#ifndef CONVERT_CHOICE_H
#define CONVERT_CHOICE_H

#include "convert/from.h"

/* Puts each choice of an answer's body. s has what is known besides: the task, or none; a sample
 * number to count from; known is the request, or NULL. */
int choice_put_all(struct from *f, const struct sample *s, struct tape_val body,
		   const struct from_known *known);
/* A body a line. It does not hold the prompt: a request's answers are one problem's. */
int choice_read(struct from *f, struct tape_val row);
bool choice_says_ids(struct tape_val body);  /* as vLLM's do */
bool choice_is_answer(struct tape_val body); /* it has choices */
bool choice_is_error(struct tape_val body);  /* what servers answer instead */

#endif
