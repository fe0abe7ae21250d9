/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of one layer, shared by all views that have it, and what keeps them as they are.
 *
 *   image_open | image_layer | image_memory -> image_take* -> image_drop
 *                                 image_watch now and then, by one thread at a time
 *
 *   memory   of our own; compared with its checksums when it was read
 *   mapped   a published file. Its clocks and place are those of when it was published, or it was
 *            compared with its checksums when it was opened. From then on a lease keeps others
 *            from writing into it, where there are leases; the guard takes what gets by
 *   sealed   a copy of such a file that nobody can change
 *
 * A mapped image does not change under its readers: when somebody wants to write into the file, image_watch makes
 * a sealed copy, its heir, for the views to come. The lease is given back, and whoever waits for it goes
 * on, when the last view drops the mapped one. docs/store.md, "Careless operators".
 *
 * The bytes never move and live until the last drop. Pins are atomic: any thread.
 */
#ifndef ENGINE_IMAGE_H
#define ENGINE_IMAGE_H

#include "engine/file.h"
#include "engine/guard.h"
#include "engine/sealed.h"

struct image {
	const uint8_t *bytes;
	size_t length;
	/* the rest is private */
	uint32_t pins;             /* atomic */
	struct file_in in;         /* the mapped file; descriptor -1: not mapped */
	struct file_map map;
	struct file_stamp stamp;
	bool leased, leaseless;    /* have a lease; will never have one */
	uint8_t digest[32];
	struct sealed sealed;      /* bytes NULL: not sealed */
	struct sealed_job job;     /* the heir to be */
	uint64_t copying_since;
	struct image *heir;
};

/* What a layer's file must be. */
struct image_wanted {
	uint8_t digest[32]; /* of its footer */
	uint64_t stamp;     /* file_stamp_sum when it was published; 0: not known, read all of it */
	bool sealed;        /* a sealed copy instead of the file */
};

/* Map a published file, or have it copied. What is not the file wanted is corrupt. */
enum status
image_layer(const char *path, const struct image_wanted *wanted, struct image **image,
	    struct fault *fault);
/* Map a file that this process has just published. */
enum status
image_open(const char *path, struct image **image, struct fault *fault);
/* Takes over `bytes`, which free() can free, whatever the outcome. */
enum status
image_memory(uint8_t *bytes, size_t length, struct image **image, struct fault *fault);
struct image *
image_take(struct image *image);
/* NULL is fine. */
void
image_drop(struct image *image);

enum image_state {
	IMAGE_SOUND,
	IMAGE_COPYING, /* sound, and to be watched soon again */
	IMAGE_HEIR,    /* sound, and to be replaced by image->heir */
	IMAGE_DAMAGED  /* answers made of it are not to be given away; open the file anew */
};

/*
 * Has somebody changed the file, or does somebody want to? A system call or two for a mapped image, none for
 * others. `budget`: nanoseconds that may go into copying; UINT64_MAX: as many as it takes.
 */
enum image_state
image_watch(struct image *image, uint64_t budget);

/* Found out by image_watch or by a fault; any thread. */
static inline bool
image_damaged(const struct image *image)
{
	return guard_damaged(image->map.guard);
}

/* Is it now, for certain, what it was when it was opened? For writers, before they publish what they read. */
bool
image_intact(struct image *image);

/* file_stamp_sum of the mapped file, which has it as long as it is intact; 0 if it is not mapped. */
uint64_t
image_stamp(const struct image *image);

#endif
