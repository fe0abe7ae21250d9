/* SPDX-License-Identifier: Apache-2.0 */
#include "query/inspect_pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine/clock.h"
#include "engine/file.h"

/* Frames of all workers, those of worker w at start[w] .. start[w + 1]. */
struct chunk {
	struct chunk *next;
	size_t used, count;
	size_t start[INSPECT_THREADS + 1];
	uint8_t owner[INSPECT_CHUNK_FRAMES];
	struct inspect_frame frames[INSPECT_CHUNK_FRAMES]; /* as read */
	struct inspect_frame sorted[INSPECT_CHUNK_FRAMES]; /* by worker, else in order */
	uint8_t bytes[INSPECT_CHUNK_BYTES + CAPTURE_FRAME_BYTES];
};

struct pool {
	struct inspect_run *run;
	struct inspect *workers[INSPECT_THREADS];
	pthread_t threads[INSPECT_THREADS];
	unsigned started;           /* threads; worker 0 is the caller's if there is only one */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	const struct chunk *chunk;  /* at work; NULL: go home */
	uint64_t turn;              /* of chunks given out */
	unsigned busy;
	uint64_t frames;            /* read so far */
	enum status status;         /* of reading */
	bool ended;
};

/* --- reading --------------------------------------------------------------------------------- */

static unsigned
owner_of(const struct pool *pool, const struct inspect_frame *frame)
{
	struct packet packet;
	if (pool->run->threads == 1 ||
	    packet_parse(pool->run->options.link, frame->bytes, frame->length, &packet) !=
		    PACKET_IP)
		return 0;
	return packet_flow_hash(&packet) % pool->run->threads;
}

static void
chunk_sort(const struct pool *pool, struct chunk *chunk)
{
	size_t at[INSPECT_THREADS] = {0};
	memset(chunk->start, 0, sizeof(chunk->start));
	for (size_t i = 0; i < chunk->count; i++) {
		chunk->owner[i] = (uint8_t)owner_of(pool, &chunk->frames[i]);
		chunk->start[chunk->owner[i] + 1]++;
	}
	for (unsigned w = 0; w < pool->run->threads; w++) {
		chunk->start[w + 1] += chunk->start[w];
		at[w] = chunk->start[w];
	}
	for (size_t i = 0; i < chunk->count; i++)
		chunk->sorted[at[chunk->owner[i]]++] = chunk->frames[i];
}

static void
chunk_read(struct pool *pool, struct chunk *chunk, struct fault *fault)
{
	struct capture_frame read;
	chunk->used = chunk->count = 0;
	while (chunk->used < INSPECT_CHUNK_BYTES && chunk->count < INSPECT_CHUNK_FRAMES) {
		enum capture_outcome outcome = capture_next(pool->run->capture, &read, fault);
		if (outcome != CAPTURE_FRAME) {
			pool->ended = true;
			if (outcome == CAPTURE_FAIL)
				pool->status = fault != NULL ? fault->status : STATUS_CORRUPT;
			break;
		}
		uint8_t *bytes = chunk->bytes + chunk->used;
		memcpy(bytes, read.bytes, read.length);
		chunk->frames[chunk->count++] = (struct inspect_frame){
			bytes, read.length, ++pool->frames, read.micros};
		chunk->used += read.length;
	}
	if (pool->run->stop != NULL && pool->run->stop())
		pool->run->stopped = pool->ended = true;
	chunk_sort(pool, chunk);
}

/* --- working --------------------------------------------------------------------------------- */

static void
work(struct pool *pool, unsigned w, const struct chunk *chunk)
{
	inspect_frames(pool->workers[w], chunk->sorted + chunk->start[w],
		       chunk->start[w + 1] - chunk->start[w]);
}

struct job {
	struct pool *pool;
	unsigned w;
};

static void *
worker(void *context)
{
	struct job job = *(struct job *)context;
	struct pool *pool = job.pool;
	uint64_t done = 0;
	free(context);
	pthread_mutex_lock(&pool->lock);
	for (;;) {
		while (pool->turn == done)
			pthread_cond_wait(&pool->changed, &pool->lock);
		const struct chunk *chunk = pool->chunk;
		done = pool->turn;
		if (chunk == NULL)
			break;
		pthread_mutex_unlock(&pool->lock);
		work(pool, job.w, chunk);
		pthread_mutex_lock(&pool->lock);
		if (--pool->busy == 0)
			pthread_cond_broadcast(&pool->changed);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static void
pool_wait(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	while (pool->busy > 0)
		pthread_cond_wait(&pool->changed, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
}

/* Give a chunk to all; NULL sends them home. Returns at once, but for a pool without threads. */
static void
pool_give(struct pool *pool, const struct chunk *chunk)
{
	if (pool->started == 0) {
		if (chunk != NULL)
			work(pool, 0, chunk);
		return;
	}
	pthread_mutex_lock(&pool->lock);
	pool->chunk = chunk;
	pool->busy = chunk != NULL ? pool->started : 0;
	pool->turn++;
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
}

static enum status
threads_start(struct pool *pool, struct fault *fault)
{
	for (unsigned w = 0; pool->run->threads > 1 && w < pool->run->threads; w++) {
		struct job *job = malloc(sizeof(*job));
		if (job != NULL)
			*job = (struct job){pool, w};
		if (job == NULL ||
		    pthread_create(&pool->threads[w], NULL, worker, job) != 0) {
			free(job);
			return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no thread to be had");
		}
		pool->started++;
	}
	return STATUS_OK;
}

static void
threads_end(struct pool *pool)
{
	pool_give(pool, NULL);
	for (unsigned w = 0; w < pool->started; w++)
		pthread_join(pool->threads[w], NULL);
	pool->started = 0;
}

/* --- rounds ---------------------------------------------------------------------------------- */

static void
workers_free(struct pool *pool)
{
	for (unsigned w = 0; w < pool->run->threads; w++) {
		inspect_free(pool->workers[w]);
		pool->workers[w] = NULL;
	}
}

static enum status
workers_new(struct pool *pool, struct fault *fault)
{
	enum status status = STATUS_OK;
	workers_free(pool);
	for (unsigned w = 0; w < pool->run->threads && status == STATUS_OK; w++)
		status = inspect_new(pool->run->judge, &pool->run->options, &pool->workers[w],
				     fault);
	return status;
}

static void
workers_end(struct pool *pool)
{
	for (unsigned w = 0; w < pool->run->threads; w++)
		inspect_end(pool->workers[w]);
}

/* Read one chunk while the other is at work. */
static void
round_streaming(struct pool *pool, struct chunk *chunks, struct fault *fault)
{
	double start = clock_elapsed();
	for (unsigned i = 0; !pool->ended; i ^= 1) {
		chunk_read(pool, &chunks[i], fault);
		pool_wait(pool);
		pool_give(pool, &chunks[i]);
	}
	pool_wait(pool);
	workers_end(pool);
	pool->run->seconds = clock_elapsed() - start;
}

static enum status
chunks_keep(struct pool *pool, struct chunk **first, struct fault *fault)
{
	uint64_t kept = 0;
	for (struct chunk **end = first; !pool->ended; end = &(*end)->next) {
		kept += sizeof(struct chunk);
		*end = kept <= INSPECT_KEEP_BYTES ? malloc(sizeof(struct chunk)) : NULL;
		if (*end == NULL)
			return kept <= INSPECT_KEEP_BYTES
				       ? fault_set(fault, STATUS_NO_MEMORY, NULL, 0,
						   "no memory to keep the capture")
				       : fault_set(fault, STATUS_LIMIT, NULL, 0,
						   "a capture that is gone through again may "
						   "have %llu MiB", INSPECT_KEEP_BYTES >> 20);
		(*end)->next = NULL;
		chunk_read(pool, *end, fault);
	}
	return STATUS_OK;
}

static enum status
rounds_kept(struct pool *pool, const struct chunk *first, struct fault *fault)
{
	struct inspect_run *run = pool->run;
	for (unsigned i = 0; i < run->rounds && !run->stopped; i++) {
		if (i > 0) {
			struct fault other = {0};
			enum status status = workers_new(pool, &other);
			if (status != STATUS_OK) {
				if (fault != NULL)
					*fault = other;
				return status;
			}
		}
		double start = clock_elapsed();
		for (const struct chunk *chunk = first; chunk != NULL; chunk = chunk->next) {
			pool_give(pool, chunk);
			pool_wait(pool);
		}
		workers_end(pool);
		double seconds = clock_elapsed() - start;
		run->seconds = i == 0 || seconds < run->seconds ? seconds : run->seconds;
		run->stopped = run->stop != NULL && run->stop();
	}
	return STATUS_OK;
}

static enum status
rounds(struct pool *pool, struct fault *fault)
{
	struct chunk *chunks;
	enum status status;
	if (pool->run->rounds > 1) {
		chunks = NULL;
		status = chunks_keep(pool, &chunks, fault);
		if (status == STATUS_OK)
			status = rounds_kept(pool, chunks, fault);
		for (struct chunk *next; chunks != NULL; chunks = next) {
			next = chunks->next;
			free(chunks);
		}
		return status;
	}
	chunks = malloc(2 * sizeof(*chunks));
	if (chunks == NULL)
		return fault_set(fault, STATUS_NO_MEMORY, NULL, 0, "no memory for frames");
	round_streaming(pool, chunks, fault);
	free(chunks);
	return STATUS_OK;
}

/* --- all ------------------------------------------------------------------------------------- */

static struct inspect *
workers_join(struct pool *pool)
{
	struct inspect *result = pool->workers[0];
	for (unsigned w = 1; w < pool->run->threads; w++)
		inspect_merge(result, pool->workers[w]);
	pool->workers[0] = NULL;
	return result;
}

enum status
inspect_run(struct inspect_run *run, struct fault *fault)
{
	struct pool pool = {.run = run, .lock = PTHREAD_MUTEX_INITIALIZER,
			    .changed = PTHREAD_COND_INITIALIZER};
	run->result = NULL;
	run->stopped = false;
	run->options.link = capture_link(run->capture);
	enum status status = file_random(run->options.seed.word, fault);
	if (status == STATUS_OK)
		status = workers_new(&pool, fault);
	if (status == STATUS_OK)
		status = threads_start(&pool, fault);
	if (status == STATUS_OK)
		status = rounds(&pool, fault);
	threads_end(&pool);
	if (status == STATUS_OK)
		run->result = workers_join(&pool);
	workers_free(&pool);
	return status != STATUS_OK ? status : pool.status;
}
