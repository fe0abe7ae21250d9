/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "bench/peers/peers.h"

struct walk
walk_start(const struct queries *queries, size_t i)
{
	struct walk walk = {.exact = true, .class_number = queries->data->class};
	walk.key = query_key(queries, i, &walk.length);
	if (walk.class_number != CLASS_URL)
		return walk;
	const uint8_t *host = memchr(walk.key, ':', walk.length);
	size_t start = host ? (size_t)(host - walk.key) + 3 : 0;
	const uint8_t *slash = start < walk.length ?
			       memchr(walk.key + start, '/', walk.length - start) : NULL;
	walk.root = slash ? (size_t)(slash - walk.key) : walk.length;
	return walk;
}

static bool
up_url(struct walk *walk)
{
	const uint8_t *query = walk->exact ? memchr(walk->key, '?', walk->length) : NULL;
	const uint8_t *slash;
	walk->exact = false;
	if (query != NULL) {
		walk->length = (size_t)(query - walk->key);
		return true;
	}
	slash = memrchr(walk->key, '/', walk->length);
	if (slash == NULL || (size_t)(slash - walk->key) <= walk->root)
		return false;
	walk->length = (size_t)(slash - walk->key);
	return true;
}

bool
walk_up(struct walk *walk)
{
	if (walk->class_number == CLASS_URL)
		return up_url(walk);
	const uint8_t *dot = walk->class_number == CLASS_DOMAIN ?
			     memchr(walk->key, '.', walk->length) : NULL;
	if (dot == NULL)
		return false;
	walk->length -= (size_t)(dot + 1 - walk->key);
	walk->key = dot + 1;
	walk->exact = false;
	return true;
}

struct answer
walk_find(peer_get *get, void *self, const struct queries *queries, size_t i)
{
	struct walk walk = walk_start(queries, i);
	do {
		struct answer answer = word_answer(get(self, walk.key, walk.length));
		if (data_covers(answer, walk.exact) && data_live(answer).tags != 0)
			return answer;
	} while (walk_up(&walk));
	return (struct answer){0, 0};
}
