/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tag categories as JSON: what `tag export` writes, `tag import` reads and
 * `tag list --json` shows. One category is an object:
 *
 *   {"name":"Team","type":"list","service":false,"description":"","values":["red","blue"]}
 *   {"name":"Score","type":"number","service":false,"description":"","min":1,"max":100}
 *
 * name and type must be there, values for a list, min and max for a number; a member
 * that is none of these is refused. min and max past 2^53 stand in quotes. A file is one of
 *
 *   {"categories":[CATEGORY, ...]}      what is exported
 *   [CATEGORY, ...]
 *   CATEGORY, one a line                what `tag list --json` prints
 */
#ifndef LOADER_TAG_FILE_H
#define LOADER_TAG_FILE_H

#include "engine/json.h"
#include "engine/tag.h"

/* `category` is borrowed during the call; its description is NULL if the file has none. */
typedef enum status
tag_file_cb(void *context, const struct tag_category *category, struct fault *fault);

/*
 * Calls for each category in order, until one fails. A fault of the row or of the call
 * names the row: "NAME:LINE: ..." where each has a line of its own, else "category 3: ...".
 * Status: format, limit, no-memory, bad-tag, or what the call gave.
 */
enum status
tag_file_read(const char *name, const char *bytes, size_t length, tag_file_cb *call,
	      void *context, struct fault *fault);

/* One object, without a line's end. */
void
tag_file_write(struct json_writer *json, const struct tag_category *category);

#endif
