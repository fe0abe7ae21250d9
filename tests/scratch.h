/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store below build/tmp for tests of the write side: made empty, written
 * with short words, read back as sorted lines of text that a test can compare
 * with what it expects. A failure that is not asked for ends the test.
 */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include "engine/author.h"
#include "engine/store.h"

/* A path that is free; free() it after scratch_remove. */
char *
scratch_new(const char *name);
/* The folder and what is in it. */
void
scratch_remove(char *path);

/* Files in the folder whose names end so. */
unsigned
scratch_files(const char *path, const char *end);

struct key *
scratch_key(const char *text, enum scope scope);

/* One transaction. */
struct scratch_write {
	struct store_write *write;
	struct author *author;
	struct author_counts counts;
	uint64_t now, generation;
};
void
scratch_begin(struct scratch_write *change, const char *path, uint64_t now);
/* A claim with one value of a category; NULL: no tag. scratch_put: of Malware Family. */
void
scratch_put_tag(struct scratch_write *change, const char *source, const struct key *key,
		const char *category, const char *value, uint64_t ttl, uint64_t expires);
void
scratch_put(struct scratch_write *change, const char *source, const struct key *key,
	    const char *set, uint64_t ttl, uint64_t expires);
void
scratch_take_back(struct scratch_write *change, const char *source, const struct key *key,
		  unsigned scopes);
void
scratch_commit(struct scratch_write *change, bool compact);
void
scratch_abort(struct scratch_write *change);

/* "key|scope|source|tags|expires|first|last" of each claim, sorted, a line each; free() it. */
char *
scratch_claims(const struct view *view);
/* The same of the store as it is now; "" if there is none. */
char *
scratch_state(const char *path);
/* Sort lines and join them; frees the lines. */
char *
scratch_join(char **lines, size_t count);

/* Every layer passes segment_check. */
void
scratch_check(const struct view *view);

/* A file whole, the caller's to free; and bytes to a file in place, which is made if need be. */
uint8_t *
scratch_read(const char *path, size_t *length);
void
scratch_write(const char *path, const void *bytes, size_t length);

void
scratch_pause(long milliseconds);

/* Lines of /proc/self/maps that name this text, and open descriptors. */
unsigned
scratch_mappings(const char *text);
unsigned
scratch_descriptors(void);

#endif
