/* folder.h - what is wrong with a folder that is no policy, and what to do about it. */
#ifndef POLICY_FOLDER_H
#define POLICY_FOLDER_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

/* The folder has no file of this name: says so and, where it can tell, what to do. ST_INPUT */
int folder_lacks(const char *dir, const char *name, struct reason *why);
/* The same of its weights */
int folder_lacks_weights(const char *dir, struct reason *why);
bool folder_has_weights(const char *dir); /* as safetensors */
/* A file's text is what Git LFS has in its place: ST_INPUT naming path */
int folder_check_text(const struct buf *text, const char *path, struct reason *why);
/* Does it look like a model's name on a hub, "who/what"? */
bool folder_is_name(const char *dir);

#endif
