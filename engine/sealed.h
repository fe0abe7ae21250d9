/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed memory: a copy of a file that nobody can change any more, not even its owner, whatever
 * happens to the file (memfd_create(2), all seals). Reads of it cannot fail.
 *
 *   sealed_find | sealed_copy -> sealed_close
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
 * Copy the first `length` bytes of an open file, in huge pages where the system gives them for
 * the asking. A file that is shorter is corrupt; else what `check` says.
 */
enum status
sealed_copy(int descriptor, size_t length, const uint8_t digest[32], sealed_check_cb *check,
	    void *context, struct sealed *sealed, struct fault *fault);

void
sealed_close(struct sealed *sealed);

#endif
