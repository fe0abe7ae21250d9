/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed memory: a copy of a file that nobody can change any more, not even its owner, whatever
 * happens to the file (memfd_create(2), all seals). Reads of it cannot fail.
 *
 *   sealed_find | sealed_begin ... sealed_end -> sealed_close
 *
 * Processes of one user share one copy of the same contents: a sealed copy has the digest of its
 * file in its name, and sealed_find looks among the descriptors of the user's other processes
 * (/proc; those in another pid namespace are not found). A copy is sealed only after it was
 * compared with its checksums, so a sealed one was. Whoever can plant a wrong one runs as
 * the same user, and could as well write into our memory.
 */
#ifndef ENGINE_SEALED_H
#define ENGINE_SEALED_H

#include <stdbool.h>

#include "engine/status.h"

struct sealed {
	const uint8_t *bytes;
	size_t length;
	int descriptor;
};

/* Are these the right bytes? */
typedef enum status sealed_check_cb(void *context, const uint8_t *bytes, size_t length,
				    struct fault *fault);

/* One that another process, or this one, has. False: none was found, or none could be mapped. */
bool
sealed_find(const uint8_t digest[32], size_t length, struct sealed *sealed);

/*
 * A copy of the first `length` bytes of an open file, in parts: whoever copies gigabytes between
 * look-ups wants to do so a little at a time. In huge pages, where the system gives them for the
 * asking. A file that is shorter is corrupt.
 *
 *   sealed_begin -> sealed_part until done == length -> sealed_end | sealed_abort
 */
struct sealed_job {
	int from;        /* borrowed */
	int memory;
	uint8_t *bytes;
	size_t length, done;
};
enum status
sealed_begin(int descriptor, size_t length, const uint8_t digest[32], struct sealed_job *job,
	     struct fault *fault);
/* At most 16 MiB more. */
enum status
sealed_part(struct sealed_job *job, struct fault *fault);
/* What `check` says (NULL: nothing); sealed if it is OK. The job is over whatever the outcome. */
enum status
sealed_end(struct sealed_job *job, sealed_check_cb *check, void *context, struct sealed *sealed,
	   struct fault *fault);
/* A job of zeros is fine. */
void
sealed_abort(struct sealed_job *job);

/*
 * Who makes the one copy? False: another process has said that it does. Not to be waited for
 * for ever: it may have been stopped. It dies with the process, and with the last descriptor.
 */
bool
sealed_claim(int descriptor);
void
sealed_release(int descriptor);

void
sealed_close(struct sealed *sealed);

#endif
