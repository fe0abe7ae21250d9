/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ingest: feeds to claims in a store. Item by item: canonical key, guard,
 * tags, author; then one transaction.
 *
 *   ingest_new -> ingest_file* -> ingest_commit -> ingest_free
 *
 * Bad lines are handed to `on_reject` and counted, good lines are kept. All or
 * nothing happens to the whole: a file that fails (I/O, damaged compression,
 * no list at all), too many rejects, a stop asked by `on_progress`: nothing of
 * any file is published and the old data stays.
 *
 * One source per ingest; its claims alone are touched.
 */
#ifndef LOADER_INGEST_H
#define LOADER_INGEST_H

#include "engine/author.h"
#include "engine/store.h"
#include "loader/feed.h"

#define INGEST_NO_LIMIT UINT64_MAX

struct ingest_reject {
	const char *file;       /* as named on the command line, archive member included */
	const struct feed_reject *feed;
};
typedef void ingest_reject_cb(void *context, const struct ingest_reject *reject);
/* False asks to stop: status stopped. */
typedef bool ingest_progress_cb(void *context, uint64_t bytes_read, uint64_t bytes_total,
				uint64_t items);

/* Borrowed until ingest_free. */
struct ingest_options {
	const char *source;          /* needed */
	const char *format, *columns;/* NULL: find out */
	enum kind kind;              /* KIND_ANY: per value */
	uint8_t scope;               /* 0: as spelled or as the format means */
	const char *const *tags;     /* "Category=Value" of --tag */
	size_t tag_count;
	const char *name_tag;        /* category that gets the file's or member's base name; NULL */
	const char *folder_tag;      /* category that gets the name of the folder it is in; NULL */
	uint64_t ttl_seconds;        /* 0: the source's default */
	uint64_t expires;            /* 0: by ttl */
	bool mirror, dry_run, allow_broad, wait;
	uint64_t max_rejects;        /* more than this refuse all; INGEST_NO_LIMIT */
	unsigned max_rejects_percent;/* of all values read, > 100 = no limit */
	unsigned max_shrink_percent; /* mirror: fewer good lines than before by more; > 100 = no limit */
	const struct hash_seed *seed;/* of a new store; NULL: random */
	ingest_reject_cb *on_reject;
	ingest_progress_cb *on_progress;
	void *context;
};

#define INGEST_NOTES 8

struct ingest_result {
	char format[64];             /* of the files; "mixed" if they differ */
	uint64_t read;               /* values: taken and rejected */
	uint64_t rejected;
	uint64_t defanged;           /* values with hxxp, [.] and the like undone */
	uint64_t schemeless;         /* URLs that were given http:// */
	struct {
		const char *text;    /* what the feeds took with less than they said; static */
		uint64_t count;
	} note[INGEST_NOTES];
	struct author_counts counts;
	uint64_t generation;
	uint64_t published;          /* when the store was last changed before; later than now: a clock is wrong */
	double seconds;              /* from ingest_new to the end of the commit */
};

struct ingest;

/* Takes the writer's lock (a dry run does not). */
enum status
ingest_new(const char *directory, const struct ingest_options *options, uint64_t now,
	   struct ingest **ingest, struct fault *fault);

/* "-" is stdin; an archive gives its members. */
enum status
ingest_file(struct ingest *ingest, const char *path, struct fault *fault);

/*
 * One value instead of a file, as an entry; its mistake is returned, not
 * rejected: `add` is all or nothing.
 */
enum status
ingest_value(struct ingest *ingest, const char *value, size_t length, struct fault *fault);

/*
 * Take back what the source (or every source) says of a value. A plain
 * spelling means any scope, `*.name` and the like the scope they spell,
 * options.scope that one.
 */
enum status
ingest_remove(struct ingest *ingest, const char *value, size_t length, bool all_sources,
	      struct fault *fault);

/* Take back everything the source says, and forget the source. Not in a dry run. */
enum status
ingest_remove_source(struct ingest *ingest, struct fault *fault);

/* After the last file or value, once. */
enum status
ingest_commit(struct ingest *ingest, struct ingest_result *result, struct fault *fault);
void
ingest_free(struct ingest *ingest);

#endif
