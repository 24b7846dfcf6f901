/* request.h - problems and requests that stand beside the rows: what from_find finds. */
#ifndef CONVERT_REQUEST_H
#define CONVERT_REQUEST_H

#include "convert/from.h"

/* That of this name, made when it is not there; valid until the next call. */
struct from_known *request_known(struct from_opts *o, struct span name);
/* The input of an OpenAI batch: each request under its custom_id. A row that is none: ST_INPUT. */
int request_load(struct from_opts *o, const char *path, struct reason *why);
void request_free(struct from_opts *o);

#endif
