/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture through one or more inspections: frames are read in chunks and
 * shared out to workers by connection, so that both directions of one meet. The
 * next chunk is read while workers are busy with the last one.
 *
 * One call does it all. With `rounds` above 1 the whole capture is kept in
 * memory and gone through that often, each time from nothing: what is returned
 * is the last round's, `seconds` that of the fastest. For the program, not for librepute.
 */
#ifndef QUERY_INSPECT_POOL_H
#define QUERY_INSPECT_POOL_H

#include "query/capture.h"
#include "query/inspect.h"

#define INSPECT_THREADS 64
#define INSPECT_ROUNDS 1000000
#define INSPECT_CHUNK_FRAMES 8192
#define INSPECT_CHUNK_BYTES (8u << 20)   /* and one frame */
#define INSPECT_KEEP_BYTES (2ull << 30)  /* of a capture that is gone through again */

struct inspect_run {
	struct capture *capture;
	const struct judge *judge;
	struct inspect_options options;
	unsigned threads, rounds;   /* 1 and up */
	bool (*stop)(void);         /* asked between chunks; NULL: never */

	struct inspect *result;     /* out: all workers' events; the caller's, inspect_free */
	double seconds;             /* out: without reading, when rounds > 1 */
	bool stopped;               /* out: `stop` said so */
};

/*
 * A capture that cannot be read to its end fails with *result all the same: what
 * came before is in there. Other failures leave it NULL.
 */
enum status
inspect_run(struct inspect_run *run, struct fault *fault);

#endif
