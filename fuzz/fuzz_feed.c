/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds: the first byte picks a format (0 = find out, 255 = as an archive, bit 6 =
 * with a column map, bit 7 = only one kind), the rest is the file. Every item and
 * reject is walked and must keep the promises of loader/feed.h.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "loader/feed_tar.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned sink; /* every byte that is handed out is read */

static void
touch(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		sink += (unsigned char)text[i];
}

static void
check_item(const struct feed_item *item, uint64_t line, size_t file)
{
	assert(item->value_length <= LIMIT_LINE_BYTES);
	assert(item->kind <= KIND_ANY && item->scope <= SCOPE_TREE);
	assert(item->line >= 1 && item->line <= line && line <= file + 1);
	touch(item->value, item->value_length);
	for (size_t i = 0; i < item->tag_count; i++) {
		assert(item->tags[i].value_length > 0 &&
		       item->tags[i].value_length <= LIMIT_TAG_TEXT_BYTES);
		assert(item->tags[i].category_length <= LIMIT_LINE_BYTES);
		touch(item->tags[i].category, item->tags[i].category_length);
		touch(item->tags[i].value, item->tags[i].value_length);
	}
}

static void
walk(struct feed *feed, size_t size)
{
	struct feed_item item;
	struct feed_reject reject;
	struct fault fault;
	enum feed_outcome outcome;

	while ((outcome = feed_next(feed, &item, &reject, &fault)) == FEED_ITEM ||
	       outcome == FEED_REJECT) {
		if (outcome == FEED_ITEM) {
			check_item(&item, feed_lines(feed), size);
			continue;
		}
		assert(reject.text_length <= 256 && reject.status != STATUS_OK && reject.reason);
		touch(reject.text, reject.text_length);
	}
	assert(feed_next(feed, &item, &reject, NULL) == outcome);
	assert(outcome == FEED_END || (fault.status != STATUS_OK && fault.text[0]));
}

static void
walk_archive(const uint8_t *data, size_t size)
{
	struct feed_archive *archive;
	struct feed *feed;
	const char *name;
	bool member_only;
	enum status status;

	if (feed_archive_open_bytes(data, size, NULL, &archive, NULL))
		return;
	for (;;) {
		status = feed_archive_next(archive, &feed, &name, &member_only, NULL);
		if (status ? !member_only : !feed)
			break;
		touch(name, strlen(name));
		if (feed)
			walk(feed,
			     (size_t)1 << 40); /* it may be compressed: more lines than bytes */
	}
	feed_archive_close(archive);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed_options options = {.kind = KIND_ANY, .name = "fuzz"};
	struct feed *feed;
	bool packed;

	if (size == 0)
		return 0;
	if (data[0] == 255) {
		walk_archive(data + 1, size - 1);
		return 0;
	}
	if (data[0] & 63)
		options.format = feed_format_name((data[0] & 63) - 1, NULL);
	if (data[0] & 64)
		options.columns =
			"value=2,tag:One=3,tag:Two=1,first_seen=1,expires=4,type=5,value=1";
	if (data[0] & 128)
		options.kind = (enum kind)(size % KIND_COUNT);
	packed = size > 2 &&
		 ((data[1] == 0x1F && data[2] == 0x8B) || data[2] == 0xB5 || data[2] == 0x2A);
	if (feed_open_bytes(data + 1, size - 1, &options, &feed, NULL))
		return 0;
	walk(feed, packed ? (size_t)1 << 40 : size);
	feed_close(feed);
	return 0;
}
