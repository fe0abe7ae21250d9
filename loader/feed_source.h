/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the bytes of a feed come from: a file, stdin, memory or a member of
 * an archive, with gzip and zstd undone on the way.
 *
 *   feed_source_open_* -> feed_source_read* -> feed_source_close
 *
 * Compression is found by its magic number in the first bytes. Concatenated
 * gzip members and zstd frames are one stream, as their tools read them. Data
 * that is damaged, cut off or followed by anything else but zero padding is
 * bad-feed: half a list must never look like a whole one.
 *
 * Memory: two buffers of FEED_SOURCE_BYTES and the window of the
 * decompressor (32 KiB for gzip; zstd at most 128 MiB, the most that the zstd
 * tool itself takes without --long, touched only as far as the data goes).
 */
#ifndef LOADER_FEED_SOURCE_H
#define LOADER_FEED_SOURCE_H

#include <stdbool.h>

#include "engine/status.h"

#define FEED_SOURCE_BYTES (64 * 1024)

struct feed_source;

/*
 * Give up to `capacity` bytes; *got 0 means the end. Whoever fails says so in
 * the status and goes on failing when asked again.
 */
typedef enum status
feed_pull(void *context, uint8_t *bytes, size_t capacity, size_t *got, struct fault *fault);

/* `path` "-" is stdin. `name` is shown in faults; copied. */
enum status
feed_source_open_path(const char *path, const char *name, struct feed_source **source,
		      struct fault *fault);
/* `bytes` is borrowed until close. */
enum status
feed_source_open_bytes(const uint8_t *bytes, size_t length, const char *name,
		       struct feed_source **source, struct fault *fault);
/* Bytes come from `pull`, which outlives the source; `total` 0 = unknown. */
enum status
feed_source_open_pull(feed_pull *pull, void *context, uint64_t total, const char *name,
		      struct feed_source **source, struct fault *fault);

/* Uncompressed bytes; has the shape of feed_pull (context = the source). */
enum status
feed_source_read(void *source, uint8_t *bytes, size_t capacity, size_t *got, struct fault *fault);

/*
 * The first uncompressed bytes without taking them: up to `want` (at most
 * FEED_SOURCE_BYTES), fewer at the end of the data. Only before the first read.
 */
enum status
feed_source_peek(struct feed_source *source, size_t want, const uint8_t **bytes, size_t *length,
		 struct fault *fault);

/* Bytes taken from the file (compressed) and its size, 0 = unknown. */
void
feed_source_progress(const struct feed_source *source, uint64_t *bytes_read, uint64_t *bytes_total);
const char *
feed_source_name(const struct feed_source *source);
/* "gzip", "zstd" or "" */
const char *
feed_source_compression(const struct feed_source *source);
void
feed_source_close(struct feed_source *source);

/*
 * One compression. `run` turns some of the input into up to `capacity` bytes;
 * it consumes (moves *input on) and/or produces, and does neither only when it
 * needs more input. *whole tells whether the data may end here. `why` is set
 * to a sentence when it returns false.
 */
struct feed_filter {
	const char *name;
	void *(*new_state)(void);
	bool (*run)(void *state, const uint8_t **input, size_t *input_length, uint8_t *bytes,
		    size_t capacity, size_t *got, bool *whole, const char **why);
	void (*free_state)(void *state);
};

extern const struct feed_filter feed_filter_gzip;
extern const struct feed_filter feed_filter_zstd;

#endif
