/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_scale: do two threads, or two processes, look up twice as much as one?
 *
 *   bench_scale [--entries 1e7] [--kind KIND]... [--table NAME] [--slices 15] [--workers 2]
 *
 * Misses by the batch call. Slices of one thread, all threads and all processes take
 * turns; each worker has a processor and queries of its own and times itself. One line of
 * JSON for each way: queries a second (all workers together, median of the slices), and the
 * median ratio to one, slice by slice. Beside it the same of bare random lines in a region as
 * large as the store: what the machine's memory gives to that many at once.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/choice.h"
#include "bench/probe.h"
#include "bench/subject.h"
#include "bench/timer.h"

#define SLICES_MOST PROBE_SLICES
#define WORKERS_MOST 16
#define SLICE_SECONDS 0.05
#define QUERIES (1u << 20)

enum way { ONE, THREADS, PROCESSES, WAY_COUNT };
static const char *const way_names[] = {"one", "threads", "processes"};
enum work { LOOK_UP, LINES, WORK_COUNT };
static const char *const work_names[] = {"miss", "random-line"};

static struct choice options = {.entries = 10000000, .slices = 15};
static size_t worker_count = 2;

/* A worker waits for the number of a work on one pipe and says how many it did a second on another. */
struct worker {
	struct subject subject; /* a copy: hits of its own */
	const struct queries *queries;
	struct probe probe;
	int orders[2], results[2];
	size_t number, next;
	pid_t process;          /* 0: a thread */
	pthread_t thread;
};

/* --- a worker ------------------------------------------------------------------------- */

static double
look_up(struct worker *worker)
{
	const size_t group = worker->subject.data->key_bytes > 0 ? SUBJECT_BATCH_MOST : 64;
	double start = timer_ns(), now = start, asking = 0;
	size_t count = 0;
	while (now - start < SLICE_SECONDS * 1e9) {
		if (worker->next + group > QUERIES)
			worker->next = 0;
		if (worker->subject.data->key_bytes == 0)
			subject_prepare(&worker->subject, worker->queries, worker->next, group);
		double from = timer_ns();
		subject_find_many(&worker->subject, worker->queries, worker->next, group);
		now = timer_ns();
		asking += now - from;
		worker->next += group;
		count += group;
	}
	return (double)count / asking * 1e9;
}

static double
touch_lines(struct worker *worker)
{
	double start = timer_ns(), ns = 0;
	size_t turns = 0;
	for (; timer_ns() - start < SLICE_SECONDS * 1e9; turns++) {
		probe_slice(&worker->probe, false, 0);
		ns += worker->probe.ns[0];
	}
	return 1e9 * (double)turns / ns;
}

static void *
worker_run(void *context)
{
	struct worker *worker = context;
	unsigned char work;
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(worker->number % (size_t)sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
	while (read(worker->orders[0], &work, 1) == 1 && work < WORK_COUNT) {
		double rate = work == LOOK_UP ? look_up(worker) : touch_lines(worker);
		if (write(worker->results[1], &rate, sizeof(rate)) != sizeof(rate))
			break;
	}
	return NULL;
}

static void
stop(const char *what)
{
	perror(what);
	exit(2);
}

/* A process maps the store by itself; both have a view and hits of their own. */
static void
worker_start(struct worker *worker, const struct subject *subject, const struct queries *queries,
	     const struct probe *probe, bool process)
{
	worker->subject = *subject;
	worker->queries = queries;
	worker->probe = *probe;
	worker->probe.state = worker->number + 1;
	worker->next = QUERIES / worker_count / SUBJECT_BATCH_MOST * worker->number * SUBJECT_BATCH_MOST;
	worker->subject.keys = malloc(SUBJECT_BATCH_MOST * sizeof(struct repute_key));
	if (pipe(worker->orders) != 0 || pipe(worker->results) != 0)
		stop("pipe");
	if (!process) {
		if (pthread_create(&worker->thread, NULL, worker_run, worker) != 0)
			stop("pthread_create");
		return;
	}
	fflush(NULL);
	worker->process = fork();
	if (worker->process != 0)
		return;
	close(worker->orders[1]); /* so that it ends with its parent */
	subject_reopen(&worker->subject);
	worker_run(worker);
	_exit(0);
}

static void
worker_end(struct worker *worker)
{
	close(worker->orders[1]);
	if (worker->process != 0)
		waitpid(worker->process, NULL, 0);
	else
		pthread_join(worker->thread, NULL);
	close(worker->orders[0]);
	close(worker->results[0]);
	close(worker->results[1]);
	free(worker->subject.keys);
}

/* --- slices ----------------------------------------------------------------------------- */

/* All at work at once; their rates together. */
static double
slice(struct worker *workers, size_t count, unsigned char work)
{
	double sum = 0, rate;
	for (size_t i = 0; i < count; i++)
		if (write(workers[i].orders[1], &work, 1) != 1)
			stop("a worker");
	for (size_t i = 0; i < count; i++) {
		if (read(workers[i].results[0], &rate, sizeof(rate)) != sizeof(rate))
			stop("a worker");
		sum += rate;
	}
	return sum;
}

static void
print_way(const struct data *data, enum work work, enum way way, const double *rate,
	  const double *one)
{
	printf("{\"bench\":\"scale\",\"class\":\"%s\",\"table\":\"%s\",\"entries\":%zu,\"stream\":\"%s\","
	       "\"mode\":\"batch\",\"how\":\"%s\",\"workers\":%zu,\"per_second_median\":%.0f,"
	       "\"ratio_to_one\":%.3f}\n", data_class_names[data->class], data->table, data->count,
	       work_names[work], way_names[way], way == ONE ? (size_t)1 : worker_count,
	       timer_median(rate, options.slices), timer_median_ratio(rate, one, options.slices));
	fflush(stdout);
}

static void
measure(const struct data *data, struct worker *threads, struct worker *processes)
{
	for (int work = 0; work < WORK_COUNT; work++) {
		double rate[WAY_COUNT][SLICES_MOST], one[SLICES_MOST];
		for (size_t s = 0; s < options.slices; s++) {
			rate[ONE][s] = slice(threads, 1, (unsigned char)work);
			rate[THREADS][s] = slice(threads, worker_count, (unsigned char)work);
			rate[PROCESSES][s] = slice(processes, worker_count, (unsigned char)work);
		}
		memcpy(one, rate[ONE], sizeof(one));
		for (int way = 0; way < WAY_COUNT; way++)
			print_way(data, (enum work)work, (enum way)way, rate[way], one);
	}
}

static bool
run_kind(enum data_class class)
{
	static struct worker threads[WORKERS_MOST], processes[WORKERS_MOST];
	struct data *data = data_make(class, options.table, options.entries, 1);
	struct probe probe;
	if (data == NULL)
		return false;
	struct subject *subject = subject_build(data);
	struct queries *queries = data_queries(data, STREAM_MISS, QUERIES);
	probe_open(&probe, subject->file_bytes);
	for (size_t i = 0; i < worker_count; i++) {
		threads[i] = processes[i] = (struct worker){.number = i};
		worker_start(&processes[i], subject, queries, &probe, true);
	}
	for (size_t i = 0; i < worker_count; i++)
		worker_start(&threads[i], subject, queries, &probe, false);
	measure(data, threads, processes);
	for (size_t i = 0; i < worker_count; i++)
		worker_end(&threads[i]);
	/* the last one first: it holds the others' pipes open */
	for (size_t i = worker_count; i-- > 0;)
		worker_end(&processes[i]);
	probe_close(&probe);
	queries_free(queries);
	subject_free(subject);
	data_free(data);
	return true;
}

static bool
own_option(const char *name, const char *value)
{
	if (strcmp(name, "--workers") != 0)
		return false;
	worker_count = strtoul(value, NULL, 10);
	return worker_count > 0 && worker_count <= WORKERS_MOST;
}

int
main(int argc, char **argv)
{
	if (!choice_read(&options, SLICES_MOST, own_option, argc, argv)) {
		fprintf(stderr, "usage: bench_scale [--entries N] [--kind KIND]... [--table NAME] "
				"[--slices N] [--workers N]\n");
		return 2;
	}
	return choice_each(&options, 1u << CLASS_SHA256 | 1u << CLASS_IPV4, run_kind) ? 0 : 1;
}
