/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by store.c (reading), store_write.c and store_fold.c; see store.h. */
#ifndef ENGINE_STORE_STATE_H
#define ENGINE_STORE_STATE_H

#include "engine/store.h"

#define STORE_MANIFEST "MANIFEST"
#define STORE_COUNTER "GENERATION"
#define STORE_LOCK "LOCK"
#define STORE_SEGMENT_PREFIX "segment-"
#define STORE_SEGMENT_SUFFIX ".rps"

/* directory/name; limit if too long. `path` holds FILE_PATH_BYTES. */
enum status
store_path(const char *directory, const char *name, char *path, struct fault *fault);
enum status
store_segment_path(const char *directory, uint64_t number, char *path, struct fault *fault);

/* Read the manifest and map its layers; retries when a writer folds meanwhile. */
enum status
view_load(const char *directory, struct view **view, struct fault *fault);
/* Map one layer of a view under construction; `sha256` NULL: not compared. */
enum status
view_load_layer(struct view *view, const char *directory, uint64_t number, const uint8_t *sha256,
		struct fault *fault);
void
view_free(struct view *view);

/* Put layers from..top of a view into a builder; base: removals are left out. */
enum status
store_fold(const struct view *view, uint32_t from, struct segment_build *build,
	   struct fault *fault);

#endif
