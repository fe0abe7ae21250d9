/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/*
 * Slots are never freed, so that the handler can walk them whatever other threads do. A slot whose
 * version is odd, or moves while it is read, is being changed; it cannot be the one that a fault is
 * in, since who reads a range keeps it from being removed, and is passed over.
 */
struct guard {
	uint32_t version;
	bool taken;
	bool damaged;
	bool writable;
	uintptr_t from, to; /* whole pages; 0, 0: none */
};

#define BLOCK_SLOTS 64

struct block {
	struct guard slot[BLOCK_SLOTS];
	struct block *next;
};

uint32_t guard_marks;
static struct block first_block;
static struct sigaction before;
static bool installed;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of installing, and of new blocks */

/* --- the handler ------------------------------------------------------------------------- */

void
guard_mark(struct guard *guard)
{
	if (!__atomic_exchange_n(&guard->damaged, true, __ATOMIC_SEQ_CST))
		__atomic_add_fetch(&guard_marks, 1, __ATOMIC_SEQ_CST);
}

static bool
slot_has(const struct guard *slot, uintptr_t address, uintptr_t *from, uintptr_t *to)
{
	uint32_t version = __atomic_load_n(&slot->version, __ATOMIC_SEQ_CST);
	*from = __atomic_load_n(&slot->from, __ATOMIC_SEQ_CST);
	*to = __atomic_load_n(&slot->to, __ATOMIC_SEQ_CST);
	return version % 2 == 0 && __atomic_load_n(&slot->version, __ATOMIC_SEQ_CST) == version &&
	       address >= *from && address < *to;
}

/* Marked first: whoever reads a zero sees the mark. All of it at once: one mapping, not one a page. */
static bool
take_fault(uintptr_t address)
{
	uintptr_t from, to;
	struct block *block = &first_block;
	for (; block != NULL; block = __atomic_load_n(&block->next, __ATOMIC_SEQ_CST)) {
		for (unsigned i = 0; i < BLOCK_SLOTS; i++) {
			if (!slot_has(&block->slot[i], address, &from, &to))
				continue;
			guard_mark(&block->slot[i]);
			int rights = block->slot[i].writable ? PROT_READ | PROT_WRITE : PROT_READ;
			return mmap((void *)from, to - from, rights,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
				    0) != MAP_FAILED;
		}
	}
	return false;
}

/* Not ours: as if we were not here. A default action is taken when the handler has returned. */
static void
pass_on(int number, siginfo_t *info, void *context)
{
	if ((before.sa_flags & SA_SIGINFO) != 0) {
		before.sa_sigaction(number, info, context);
	} else if (before.sa_handler == SIG_IGN && info->si_code <= 0) {
		return; /* sent by somebody; what the hardware sends cannot be ignored */
	} else if (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN) {
		struct sigaction plain = {.sa_handler = SIG_DFL};
		sigaction(number, &plain, NULL);
		raise(number);
	} else {
		before.sa_handler(number);
	}
}

static void
on_fault(int number, siginfo_t *info, void *context)
{
	int saved = errno;
	bool from_kernel = info->si_code > 0;
	if (!from_kernel || !take_fault((uintptr_t)info->si_addr))
		pass_on(number, info, context);
	errno = saved;
}

enum status
guard_install(struct fault *fault)
{
	struct sigaction ours = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	int error = 0;
	pthread_mutex_lock(&lock);
	sigemptyset(&ours.sa_mask);
	if (!installed) {
		/* in two steps: the handler may run before the second has returned */
		installed = sigaction(SIGBUS, NULL, &before) == 0 &&
			    sigaction(SIGBUS, &ours, NULL) == 0;
		error = errno;
	}
	bool done = installed;
	pthread_mutex_unlock(&lock);
	return done ? STATUS_OK : fault_errno(fault, error, NULL, "cannot take SIGBUS");
}

/* --- ranges ---------------------------------------------------------------------------------- */

static void
slot_set(struct guard *slot, uintptr_t from, uintptr_t to)
{
	__atomic_add_fetch(&slot->version, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&slot->from, from, __ATOMIC_SEQ_CST);
	__atomic_store_n(&slot->to, to, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&slot->version, 1, __ATOMIC_SEQ_CST);
}

static struct guard *
block_take(struct block *block)
{
	for (unsigned i = 0; i < BLOCK_SLOTS; i++)
		if (!__atomic_exchange_n(&block->slot[i].taken, true, __ATOMIC_SEQ_CST))
			return &block->slot[i];
	return NULL;
}

static struct block *
block_next(struct block *block)
{
	pthread_mutex_lock(&lock);
	struct block *next = block->next;
	if (next == NULL) {
		next = calloc(1, sizeof(*next));
		__atomic_store_n(&block->next, next, __ATOMIC_SEQ_CST);
	}
	pthread_mutex_unlock(&lock);
	return next;
}

struct guard *
guard_add(const void *bytes, size_t length, bool writable)
{
	struct guard *slot = NULL;
	struct block *block = &first_block;
	for (; block != NULL; block = block_next(block))
		if ((slot = block_take(block)) != NULL)
			break;
	if (slot == NULL)
		return NULL;
	slot->writable = writable;
	slot_set(slot, (uintptr_t)bytes, (uintptr_t)bytes + length);
	return slot;
}

void
guard_remove(struct guard *guard)
{
	if (guard == NULL)
		return;
	slot_set(guard, 0, 0);
	if (__atomic_exchange_n(&guard->damaged, false, __ATOMIC_SEQ_CST))
		__atomic_sub_fetch(&guard_marks, 1, __ATOMIC_SEQ_CST);
	__atomic_store_n(&guard->taken, false, __ATOMIC_SEQ_CST);
}

bool
guard_damaged(const struct guard *guard)
{
	return guard != NULL && __atomic_load_n(&guard->damaged, __ATOMIC_ACQUIRE);
}
