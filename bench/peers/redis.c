/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redis as a process of its own on a unix socket (no network port), nothing
 * saved. Batches are MGET of 64 keys. The time is the client's, wall clock: the
 * server has no core of its own when the bench is pinned to one.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

#include "bench/peers/peers.h"

#define KEYS_A_GET 64
#define PAIRS_A_SET 512

struct redis {
	char path[300];
	pid_t process;
	redisContext *context;
	uint64_t bytes;
};

static pid_t
server_start(const char *path)
{
	pid_t process = fork();
	if (process != 0)
		return process;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
		_exit(1);
	execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path, "--save", "",
	       "--appendonly", "no", "--daemonize", "no", (char *)NULL);
	_exit(1);
}

static redisContext *
server_reach(const char *path)
{
	for (unsigned tries = 0; tries < 200; tries++) {
		redisContext *context = redisConnectUnix(path);
		if (context != NULL && context->err == 0)
			return context;
		if (context != NULL)
			redisFree(context);
		usleep(20000);
	}
	return NULL;
}

static void
load(struct redis *self, const struct data *data)
{
	const char *words[2 * PAIRS_A_SET + 1] = {"MSET"};
	size_t lengths[2 * PAIRS_A_SET + 1] = {4};
	uint64_t values[PAIRS_A_SET];
	uint8_t keys[PAIRS_A_SET][32];
	for (size_t i = 0; i < data->count;) {
		size_t n = 0;
		for (; n < PAIRS_A_SET && i < data->count; n++, i++) {
			values[n] = answer_word(data_answer(data, i));
			const uint8_t *key = data_key(data, i, &lengths[1 + 2 * n]);
			memcpy(keys[n], key, lengths[1 + 2 * n]);
			words[1 + 2 * n] = (const char *)keys[n];
			words[2 + 2 * n] = (const char *)&values[n];
			lengths[2 + 2 * n] = sizeof(values[n]);
		}
		freeReplyObject(redisCommandArgv(self->context, (int)(2 * n + 1), words, lengths));
	}
}

static uint64_t
server_bytes(struct redis *self)
{
	redisReply *reply = redisCommand(self->context, "INFO memory");
	const char *line = reply ? strstr(reply->str, "used_memory:") : NULL;
	uint64_t bytes = line ? strtoull(line + 12, NULL, 10) : 0;
	freeReplyObject(reply);
	return bytes;
}

static void *
redis_build(const struct data *data)
{
	struct redis *self = calloc(1, sizeof(*self));
	peer_path(self->path, sizeof(self->path), "redis.sock");
	self->process = server_start(self->path);
	self->context = server_reach(self->path);
	if (self->context == NULL) {
		kill(self->process, SIGTERM);
		waitpid(self->process, NULL, 0);
		free(self);
		return NULL;
	}
	uint64_t before = server_bytes(self);
	load(self, data);
	self->bytes = server_bytes(self) - before;
	return self;
}

static struct answer
reply_answer(const redisReply *reply)
{
	uint64_t word = 0;
	if (reply->type == REDIS_REPLY_STRING && reply->len == sizeof(word))
		memcpy(&word, reply->str, sizeof(word));
	return data_live(word_answer(word));
}

static void
redis_batch(void *context, const struct queries *queries, size_t from, size_t n,
	    struct answer *answers)
{
	struct redis *self = context;
	const char *words[KEYS_A_GET + 1] = {"MGET"};
	size_t lengths[KEYS_A_GET + 1] = {4};
	for (size_t at = 0; at < n; at += KEYS_A_GET) {
		size_t count = n - at < KEYS_A_GET ? n - at : KEYS_A_GET;
		for (size_t i = 0; i < count; i++)
			words[i + 1] = (const char *)query_key(queries, from + at + i, &lengths[i + 1]);
		redisReply *reply = redisCommandArgv(self->context, (int)count + 1, words, lengths);
		for (size_t i = 0; i < count; i++)
			answers[at + i] = reply_answer(reply->element[i]);
		freeReplyObject(reply);
	}
}

static struct answer
redis_one(void *self, const struct queries *queries, size_t i)
{
	struct answer answer;
	redis_batch(self, queries, i, 1, &answer);
	return answer;
}

static uint64_t
redis_bytes(void *self)
{
	return ((struct redis *)self)->bytes;
}

static void
redis_free(void *context)
{
	struct redis *self = context;
	redisFree(self->context);
	kill(self->process, SIGTERM);
	waitpid(self->process, NULL, 0);
	unlink(self->path);
	free(self);
}

static const struct peer peers[] = {
	{"redis", FOR_DIGESTS, FOR(CLASS_SHA1), 12000000, redis_build, redis_free, redis_one,
	 redis_batch, redis_bytes},
};

const struct peer_family family_redis = {peers, sizeof(peers) / sizeof(*peers)};
