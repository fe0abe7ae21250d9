/* SPDX-License-Identifier: Apache-2.0 */
/* For the feed tests: read a whole feed and keep what it gave, as copies. */
#ifndef TESTS_FEED_WALK_H
#define TESTS_FEED_WALK_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/feed.h"

#define WALK_KEPT 256

/* One item or reject as text: "value|kind|scope|line|tags" or "!text|status|line". */
struct walk {
	size_t items, rejects, tags, kept;
	enum feed_outcome end;
	struct fault fault;
	char format[16];
	char event[WALK_KEPT][512];
	uint64_t first_seen[WALK_KEPT], expires[WALK_KEPT];
};

static inline void
walk_keep(struct walk *walk, const struct feed_item *item)
{
	static const char *const scopes[] = {"", "exact", "below", "tree"};
	static const char *const kinds[] = {"ipv4", "ipv6", "domain", "url", "sha1", "sha256", ""};
	char *text = walk->event[walk->kept];
	int at = snprintf(text, 512, "%.*s|%s|%s|%d", (int)item->value_length, item->value,
			  kinds[item->kind], scopes[item->scope], (int)item->line);

	for (size_t i = 0; i < item->tag_count && at < 500; i++)
		at += snprintf(text + at, 512 - (size_t)at, "|%.*s=%.*s",
			       (int)item->tags[i].category_length, item->tags[i].category,
			       (int)item->tags[i].value_length, item->tags[i].value);
	walk->first_seen[walk->kept] = item->first_seen;
	walk->expires[walk->kept++] = item->expires;
}

static inline void
walk_feed(struct walk *walk, struct feed *feed)
{
	struct feed_item item;
	struct feed_reject reject;

	memset(walk, 0, sizeof(*walk));
	snprintf(walk->format, sizeof(walk->format), "%s", feed_format(feed));
	for (;;) {
		walk->end = feed_next(feed, &item, &reject, &walk->fault);
		if (walk->end == FEED_ITEM) {
			walk->items++;
			walk->tags += item.tag_count;
			if (walk->kept < WALK_KEPT)
				walk_keep(walk, &item);
		} else if (walk->end == FEED_REJECT) {
			walk->rejects++;
			ck_assert_ptr_nonnull(reject.reason);
			ck_assert_uint_le(reject.text_length, 256);
			if (walk->kept < WALK_KEPT)
				snprintf(walk->event[walk->kept++], 512, "!%.*s|%s|%d",
					 (int)reject.text_length, reject.text,
					 status_name(reject.status), (int)reject.line);
		} else {
			break;
		}
	}
	ck_assert_int_eq(feed_next(feed, &item, &reject, NULL), walk->end);
}

static inline enum status
walk_bytes(struct walk *walk, const void *bytes, size_t length, const struct feed_options *options)
{
	struct feed *feed;
	enum status status;

	memset(walk, 0, sizeof(*walk));
	status = feed_open_bytes(bytes, length, options, &feed, &walk->fault);
	if (status)
		return status;
	walk_feed(walk, feed);
	feed_close(feed);
	return walk->end == FEED_FAIL ? walk->fault.status : STATUS_OK;
}

static inline enum status
walk_text(struct walk *walk, const char *text, const char *format)
{
	struct feed_options options = {.kind = KIND_ANY, .format = format};

	return walk_bytes(walk, text, strlen(text), &options);
}

static inline enum status
walk_path(struct walk *walk, const char *path, const struct feed_options *options)
{
	struct feed *feed;
	enum status status;

	memset(walk, 0, sizeof(*walk));
	status = feed_open(path, options, &feed, &walk->fault);
	if (status)
		return status;
	walk_feed(walk, feed);
	feed_close(feed);
	return walk->end == FEED_FAIL ? walk->fault.status : STATUS_OK;
}

#endif
