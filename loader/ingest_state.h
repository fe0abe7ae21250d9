/* SPDX-License-Identifier: Apache-2.0 */
/* The insides of an ingest: one value (ingest_item.c), and files, beginning and end (ingest.c). */
#ifndef LOADER_INGEST_STATE_H
#define LOADER_INGEST_STATE_H

#include "engine/canon.h"
#include "engine/tag.h"
#include "loader/feed_guard.h"
#include "loader/ingest.h"

struct ingest {
	const struct ingest_options *options;
	uint64_t now;
	double began;
	struct store_write *write;     /* NULL in a dry run */
	struct store *store;           /* dry run: what would be changed */
	struct view *view;             /* dry run: pinned, or an empty one of our own */
	bool view_is_ours;
	struct segment_build *scratch; /* dry run */
	struct author *author;
	struct suffix *suffix;
	struct feed_guard guard;
	struct source_row source;      /* defaults of the source; borrowed texts */
	struct tags given;             /* --tag and the name tag of the file at hand */
	struct author_claim given_claim; /* their canonical strings, for items without tags */
	struct tags line;              /* the tags of one item */
	uint64_t given_expires;        /* of --tag's TTL, else --expires; 0 = none */
	uint64_t line_expires;         /* of the tags added last; 0 = none */
	bool source_goes;              /* its row is not written again */
	size_t files;                  /* read to their end */
	bool strict_tags;              /* the feed at hand names categories on purpose */
	struct ingest_result result;
	const char *file;              /* shown in rejects */
	char member[FILE_PATH_BYTES];  /* room for a name */
	struct key key;
	struct canon_prefix prefixes[LIMIT_RANGE_PREFIXES];
};

const struct catalog *
ingest_catalog(const struct ingest *ingest);

/* The tags of --tag and of a file's or member's name; `name` NULL: of --tag alone. */
enum status
ingest_given_tags(struct ingest *ingest, const char *name, struct fault *fault);

/*
 * A value as keys: one in ingest->key (*count 0), or `*count` prefixes of
 * ingest->key's kind. What is neither is refused for what is wrong with the key.
 */
enum status
ingest_read_value(struct ingest *ingest, enum kind kind, const char *text, size_t length,
		  size_t *count, struct fault *fault);
/* The i-th of these prefixes becomes ingest->key. */
void
ingest_take_prefix(struct ingest *ingest, size_t i);

enum status
ingest_put_item(struct ingest *ingest, const struct feed_item *item, struct fault *fault);

/* A mistake in the data is one reject; anything else ends the import. */
bool
ingest_is_reject(enum status status);
void
ingest_reject(struct ingest *ingest, const struct feed_reject *row);
void
ingest_reject_item(struct ingest *ingest, const struct feed_item *item, const struct fault *fault);

#endif
