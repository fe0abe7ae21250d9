/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/image.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/clock.h"
#include "engine/container.h"
#include "engine/lease.h"

#define COPY_LATEST_MS 20000u /* after so long a copy in parts is finished at once */
#define OTHERS_MS 10000u      /* so long a copy that another process makes is waited for */
#define CLAIM_PAUSE_MS 10

static enum status
no_memory(struct fault *fault)
{
	return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for a layer");
}

static struct image *
image_new(void)
{
	struct image *image = calloc(1, sizeof(*image));
	if (image != NULL) {
		image->pins = 1;
		image->in.descriptor = -1;
	}
	return image;
}

enum status
image_memory(uint8_t *bytes, size_t length, struct image **out, struct fault *fault)
{
	struct image *image = image_new();
	if (image == NULL) {
		free(bytes);
		return no_memory(fault);
	}
	image->bytes = bytes;
	image->length = length;
	*out = image;
	return STATUS_OK;
}

struct image *
image_take(struct image *image)
{
	__atomic_add_fetch(&image->pins, 1, __ATOMIC_RELAXED);
	return image;
}

static void
close_file(struct image *image)
{
	file_map_close(&image->map);
	if (image->leased)
		lease_give(image->in.descriptor);
	file_in_close(&image->in);
}

void
image_drop(struct image *image)
{
	if (image == NULL || __atomic_sub_fetch(&image->pins, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	sealed_abort(&image->job);
	image_drop(image->heir);
	if (image->sealed.bytes != NULL)
		sealed_close(&image->sealed);
	else if (image->in.descriptor >= 0)
		close_file(image);
	else
		free((void *)(uintptr_t)image->bytes);
	free(image);
}

/* --- mapping ---------------------------------------------------------------------------------- */

/* Every byte against its checksum, and the footer's digest against the one wanted. */
static enum status
check_bytes(void *digest, const uint8_t *bytes, size_t length, struct fault *fault)
{
	struct container container;
	enum status status = container_attach(&container, FORMAT_CONTENT_SEGMENT, bytes, length,
					      fault);
	if (status == STATUS_OK)
		status = container_check(&container, fault);
	if (status == STATUS_OK && memcmp(container_sha256(&container), digest, 32) != 0)
		status = fault_set(fault, STATUS_CORRUPT, "footer", 0,
				   "not the segment that is wanted");
	return status;
}

static enum lease
lease_again(struct image *image)
{
	enum lease lease = image->leaseless ? LEASE_NONE : lease_take(image->in.descriptor);
	if (lease == LEASE_TAKEN)
		image->leased = true;
	else if (lease == LEASE_NONE && !image->leased)
		image->leaseless = true;
	return lease;
}

/* The lease before the stamp: once it is there, what the stamp says stays so. */
static enum status
open_file(struct image *image, const char *path, enum lease *lease, struct fault *fault)
{
	enum status status = file_in_open(path, &image->in, fault);
	if (status != STATUS_OK)
		return status;
	*lease = lease_again(image);
	status = file_in_stamp(&image->in, &image->stamp, fault);
	image->length = (size_t)image->stamp.length;
	return status;
}

static enum status
map_file(struct image *image, struct fault *fault)
{
	enum status status = file_in_map(&image->in, image->length, &image->map, fault);
	if (status == STATUS_OK)
		image->bytes = image->map.bytes;
	return status;
}

/*
 * Is the file what it was? If only its clocks changed, its bytes are read once more: name or rights were
 * changed, or, under a lease, somebody touched it. Without a lease who wrote last has perhaps written.
 */
static bool
unchanged(struct image *image)
{
	for (int tries = 0; tries < 3; tries++) {
		struct file_stamp now, before = image->stamp;
		if (image_damaged(image) || file_in_stamp(&image->in, &now, NULL) != STATUS_OK)
			return false;
		if (file_stamp_same(&now, &before))
			return true;
		if (now.inode != before.inode || now.length != before.length ||
		    (now.written != before.written && !image->leased) ||
		    check_bytes(image->digest, image->bytes, image->length, NULL) != STATUS_OK)
			return false;
		image->stamp = now;
	}
	return false;
}

/* Not the clocks of when it was published: read all of it, and make sure that it stayed the same. */
static enum status
verify(struct image *image, struct fault *fault)
{
	enum status status = check_bytes(image->digest, image->bytes, image->length, fault);
	if (status == STATUS_OK && !unchanged(image))
		status = fault_set(fault, STATUS_CORRUPT, NULL, 0, "somebody is changing the file");
	return status;
}

/* --- sealed copies ------------------------------------------------------------------------------ */

/*
 * Some more of the copy; true when image->sealed is there, or if it failed (*status). `budget` and
 * `patient`: nanoseconds for now, and whether a copy that another process makes is worth waiting for.
 */
static bool
copy_some(struct image *image, uint64_t budget, bool patient, struct sealed *sealed,
	  enum status *status, struct fault *fault)
{
	struct sealed_job *job = &image->job;
	double until = clock_elapsed() + (double)budget / 1e9;
	*status = STATUS_OK;
	if (job->bytes == NULL) {
		if (sealed_find(image->digest, image->length, sealed))
			return true;
		if (!sealed_claim(image->in.descriptor) && patient)
			return false;
		*status = sealed_begin(image->in.descriptor, image->length, image->digest, job, fault);
	}
	while (*status == STATUS_OK && job->done < job->length) {
		*status = sealed_part(job, fault);
		if (*status == STATUS_OK && job->done < job->length && clock_elapsed() > until)
			return false;
	}
	if (*status == STATUS_OK)
		*status = sealed_end(job, check_bytes, image->digest, sealed, fault);
	sealed_abort(job);
	sealed_release(image->in.descriptor);
	return true;
}

static enum status
seal_file(struct image *image, struct fault *fault)
{
	const struct timespec pause = {.tv_nsec = CLAIM_PAUSE_MS * 1000000};
	enum status status;
	if (image->length == 0)
		return fault_set(fault, STATUS_CORRUPT, NULL, 0, "the file is empty");
	for (unsigned waited = 0; !copy_some(image, UINT64_MAX, waited < OTHERS_MS,
					     &image->sealed, &status, fault);
	     waited += CLAIM_PAUSE_MS)
		nanosleep(&pause, NULL);
	close_file(image);
	image->bytes = image->sealed.bytes;
	return status;
}

/* --- opening ------------------------------------------------------------------------------------ */

/* Where somebody has the file open for writing, or waits to, only a copy stays what it is. */
enum status
image_layer(const char *path, const struct image_wanted *wanted, struct image **out,
	    struct fault *fault)
{
	struct image *image = image_new();
	enum lease lease = LEASE_NONE;
	if (image == NULL)
		return no_memory(fault);
	memcpy(image->digest, wanted->digest, sizeof(image->digest));
	enum status status = open_file(image, path, &lease, fault);
	bool seal = wanted->sealed || lease == LEASE_BUSY;
	if (status == STATUS_OK)
		status = seal ? seal_file(image, fault) : map_file(image, fault);
	if (status == STATUS_OK && !seal &&
	    (wanted->stamp == 0 || wanted->stamp != file_stamp_sum(&image->stamp)))
		status = verify(image, fault);
	if (status != STATUS_OK) {
		image_drop(image);
		return status;
	}
	*out = image;
	return STATUS_OK;
}

enum status
image_open(const char *path, struct image **out, struct fault *fault)
{
	struct image *image = image_new();
	enum lease lease;
	if (image == NULL)
		return no_memory(fault);
	enum status status = open_file(image, path, &lease, fault);
	if (status == STATUS_OK)
		status = map_file(image, fault);
	if (status == STATUS_OK && image->length < sizeof(image->digest))
		status = fault_set(fault, STATUS_CORRUPT, path, 0, "the file is too short");
	if (status != STATUS_OK) {
		image_drop(image);
		return status;
	}
	memcpy(image->digest, image->bytes + image->length - sizeof(image->digest),
	       sizeof(image->digest));
	*out = image;
	return STATUS_OK;
}

/* --- watching ---------------------------------------------------------------------------------- */

static enum image_state
damaged(struct image *image)
{
	guard_mark(image->map.guard);
	sealed_abort(&image->job);
	return IMAGE_DAMAGED;
}

/* A copy that fails for want of memory is tried again, as long as the lease holds. */
static enum image_state
make_heir(struct image *image, uint64_t budget)
{
	struct sealed sealed = {0};
	enum status status;
	uint64_t now = clock_coarse();
	if (image->copying_since == 0)
		image->copying_since = now;
	uint64_t since = now - image->copying_since;
	if (!copy_some(image, since > COPY_LATEST_MS ? UINT64_MAX : budget, since < OTHERS_MS, &sealed,
		       &status, NULL))
		return IMAGE_COPYING;
	if (status == STATUS_CORRUPT)
		return damaged(image);
	struct image *heir = status == STATUS_OK ? image_new() : NULL;
	if (heir == NULL) {
		sealed_close(&sealed);
		return unchanged(image) ? IMAGE_COPYING : damaged(image);
	}
	heir->sealed = sealed;
	heir->bytes = sealed.bytes;
	heir->length = sealed.length;
	image->heir = heir;
	return IMAGE_HEIR;
}

/*
 * The lease is asked for or was never there. One that can be had anew was only lost (a child that
 * shared it gave it back). Somebody who has the file open for writing, or waits to, is a reason
 * for a copy, and so is a lease that we had and may not have again.
 */
static enum image_state
watch_closely(struct image *image, uint64_t budget)
{
	bool taken = lease_again(image) == LEASE_TAKEN;
	if (!unchanged(image))
		return damaged(image);
	if (taken || image->leaseless) {
		sealed_abort(&image->job);
		return IMAGE_SOUND;
	}
	return make_heir(image, budget);
}

enum image_state
image_watch(struct image *image, uint64_t budget)
{
	if (image->in.descriptor < 0)
		return IMAGE_SOUND;
	if (image_damaged(image))
		return IMAGE_DAMAGED;
	if (image->heir != NULL)
		return IMAGE_HEIR;
	if (image->leased && lease_held(image->in.descriptor))
		return IMAGE_SOUND;
	return watch_closely(image, budget);
}

bool
image_intact(struct image *image)
{
	return image->in.descriptor < 0 || unchanged(image);
}

uint64_t
image_stamp(const struct image *image)
{
	return image->in.descriptor < 0 ? 0 : file_stamp_sum(&image->stamp);
}
