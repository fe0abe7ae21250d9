/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What building a segment costs: keys of one kind put into a builder, laid out
 * and written, committed.
 *
 *   bench_build [--kind sha256] [--entries 1e7] [--claims 4096] [--file build-bench.rps] [--keep]
 *
 * One line of JSON. Seconds are CPU time of this thread, user and system apart,
 * so that what other programs took does not count; only `commit` (fsync, which waits for
 * the disk) has wall time beside it. `make` is the making of the keys by itself
 * and is taken off `put`. `peak_bytes` is VmHWM, `before_bytes` what the
 * program had before the first key.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "bench/timer.h"
#include "engine/bytes.h"
#include "engine/segment_build.h"

#define SETS 500
#define TIMES 64

struct run {
	enum kind kind;
	uint64_t entries;
	uint32_t claims; /* different lists of claims */
	const char *path;
	bool keep;
	struct segment_build *build;
	uint32_t *lists;
	struct fault fault;
};

struct cost {
	double user, system, wall;
};

static void
need(enum status status, const struct fault *fault)
{
	if (status == STATUS_OK)
		return;
	fprintf(stderr, "bench_build: %s: %s\n", fault->where, fault->text);
	exit(2);
}

static struct cost
cost_now(void)
{
	struct rusage usage;
	getrusage(RUSAGE_THREAD, &usage);
	return (struct cost){
		(double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec * 1e-6,
		(double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec * 1e-6,
		timer_ns() * 1e-9,
	};
}

static struct cost
cost_since(struct cost *start)
{
	struct cost now = cost_now();
	struct cost spent = {now.user - start->user, now.system - start->system,
			     now.wall - start->wall};
	*start = now;
	return spent;
}

static uint64_t
memory_bytes(const char *field)
{
	char line[256];
	unsigned long long kilobytes = 0;
	FILE *file = fopen("/proc/self/status", "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, field, strlen(field)) == 0)
			sscanf(line + strlen(field), ": %llu", &kilobytes);
	if (file != NULL)
		fclose(file);
	return (uint64_t)kilobytes * 1024;
}

/* --- keys ------------------------------------------------------------------------------ */

/* A bijection of 64-bit words (the finisher of SplitMix64): distinct numbers, distinct words. */
static uint64_t
scramble(uint64_t word)
{
	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9ull;
	word = (word ^ word >> 27) * 0x94d049bb133111ebull;
	return word ^ word >> 31;
}

static void
digest_key(uint64_t i, enum kind kind, struct key *key)
{
	uint8_t bytes[32];
	for (unsigned word = 0; word < 4; word++)
		be64_put(bytes + word * 8, scramble(i + ((uint64_t)word << 56)));
	key_set_digest(key, kind, bytes);
}

/* Odd multiplier: distinct addresses. */
static void
address_key(uint64_t i, enum kind kind, struct key *key)
{
	uint8_t bytes[16];
	if (kind == KIND_IPV4) {
		key_set_ipv4(key, (uint32_t)i * 2654435761u, 32);
		return;
	}
	be64_put(bytes, 0x2000000000000000ull | scramble(i) >> 3);
	be64_put(bytes + 8, 0);
	key_set_ipv6(key, bytes, 64);
}

/* One in three names has a host of its own below a registrable name; URLs are paths on them. */
static void
text_key(uint64_t i, enum kind kind, struct key *key)
{
	static char text[256];
	uint64_t name = scramble(i - i % 3);
	int length = snprintf(text, sizeof(text), "%s", kind == KIND_URL ? "http://" : "");
	if (i % 3 == 1 || kind == KIND_URL)
		length += snprintf(text + length, sizeof(text) - (size_t)length, "h%u.",
				   (unsigned)(i % 3 + 1));
	if (i % 3 == 2)
		name = scramble(name + 1);
	length += snprintf(text + length, sizeof(text) - (size_t)length, "n%llx.example",
			   (unsigned long long)name);
	if (kind == KIND_URL)
		length += snprintf(text + length, sizeof(text) - (size_t)length, "/p%u/%llx",
				   (unsigned)(i % 50), (unsigned long long)i);
	if (!key_borrow_text(key, kind, text, (size_t)length))
		exit(2);
}

static void
key_make(uint64_t i, enum kind kind, struct key *key)
{
	if (kind == KIND_SHA1 || kind == KIND_SHA256)
		digest_key(i, kind, key);
	else if (kind <= KIND_IPV6)
		address_key(i, kind, key);
	else
		text_key(i, kind, key);
}

/* --- phases ---------------------------------------------------------------------------- */

static void
lists_make(struct run *run)
{
	uint32_t source, sets[SETS];
	run->lists = malloc(run->claims * sizeof(*run->lists));
	need(segment_build_source(run->build, "bench", 5, &source, &run->fault), &run->fault);
	for (unsigned i = 0; i < SETS; i++) {
		char text[32];
		int length = snprintf(text, sizeof(text), "set %u", i);
		need(segment_build_tags(run->build, (const uint8_t *)text, (size_t)length, &sets[i],
					&run->fault), &run->fault);
	}
	for (uint32_t i = 0; run->lists != NULL && i < run->claims; i++) {
		struct claim claim = {.source = source, .scope = SCOPE_EXACT, .set = sets[i % SETS],
				      .expires = 1900000000 + i / SETS,
				      .first_seen = 1800000000, .last_seen = 1800000000};
		need(segment_build_claims(run->build, &claim, 1, &run->lists[i], &run->fault),
		     &run->fault);
	}
}

static void
keys_make(const struct run *run)
{
	static struct key key;
	for (uint64_t i = 0; i < run->entries; i++) {
		key_make(i, run->kind, &key);
		__asm__ volatile("" : : "r"(&key) : "memory");
	}
}

static void
keys_put(struct run *run)
{
	static struct key key;
	for (uint64_t i = 0; i < run->entries; i++) {
		key_make(i, run->kind, &key);
		need(segment_build_put(run->build, &key,
				       run->lists[(uint32_t)scramble(~i) % run->claims], &run->fault),
		     &run->fault);
	}
}

static void
print_cost(const char *phase, struct cost cost)
{
	printf("\"%s_user\":%.2f,\"%s_system\":%.2f,", phase, cost.user, phase, cost.system);
}

static void
run_all(struct run *run)
{
	struct hash_seed seed = {{1, 2}};
	struct file_out *out;
	struct stat info = {0};
	uint8_t sha256[32];
	need(segment_build_new(seed, false, &run->build, &run->fault), &run->fault);
	lists_make(run);
	uint64_t before = memory_bytes("VmRSS");
	struct cost start = cost_now();
	keys_make(run);
	struct cost make = cost_since(&start);
	keys_put(run);
	struct cost put = cost_since(&start);
	put.user -= make.user;
	uint64_t put_peak = memory_bytes("VmHWM");
	need(file_out_open(run->path, &out, &run->fault), &run->fault);
	need(segment_build_write(run->build, out, sha256, &run->fault), &run->fault);
	struct cost written = cost_since(&start);
	need(file_out_commit(out, &run->fault), &run->fault);
	struct cost commit = cost_since(&start);
	uint64_t peak = memory_bytes("VmHWM");
	segment_build_free(run->build);
	stat(run->path, &info);
	printf("{\"kind\":\"%s\",\"entries\":%llu,\"claims\":%u,", kind_name(run->kind),
	       (unsigned long long)run->entries, run->claims);
	print_cost("make", make);
	print_cost("put", put);
	print_cost("write", written);
	print_cost("commit", commit);
	printf("\"commit_wall\":%.2f,\"seconds\":%.2f,\"bytes\":%llu,\"before_bytes\":%llu,"
	       "\"put_peak_bytes\":%llu,\"peak_bytes\":%llu,\"peak_ratio\":%.2f,\"sha256\":\"%02x%02x%02x%02x\"}\n",
	       commit.wall,
	       put.user + put.system + written.user + written.system + commit.user + commit.system,
	       (unsigned long long)info.st_size, (unsigned long long)before,
	       (unsigned long long)put_peak, (unsigned long long)peak,
	       (double)peak / (double)info.st_size, sha256[0], sha256[1], sha256[2], sha256[3]);
}

static int
usage(void)
{
	fprintf(stderr, "usage: bench_build [--kind K] [--entries N] [--claims N] [--file F] [--keep]\n");
	return 2;
}

int
main(int argc, char **argv)
{
	struct run run = {.kind = KIND_SHA256, .entries = 10000000, .claims = 4096,
			  .path = "build-bench.rps"};
#ifndef __OPTIMIZE__
	fprintf(stderr, "bench_build: built without optimisation, its figures would mislead\n");
	return 2;
#endif
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		if (strcmp(argv[i], "--keep") == 0) {
			run.keep = true;
			continue;
		}
		if (strcmp(argv[i], "--kind") == 0) {
			if (!kind_parse(value, strlen(value), &run.kind))
				return usage();
		} else if (strcmp(argv[i], "--entries") == 0)
			run.entries = (uint64_t)strtod(value, NULL);
		else if (strcmp(argv[i], "--claims") == 0)
			run.claims = (uint32_t)strtod(value, NULL);
		else if (strcmp(argv[i], "--file") == 0)
			run.path = value;
		else
			return usage();
		i++;
	}
	if (run.entries == 0 || run.claims == 0 || run.path[0] == '\0')
		return usage();
	run_all(&run);
	free(run.lists);
	if (!run.keep)
		remove(run.path);
	return 0;
}
