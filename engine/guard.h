/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mapped files that somebody may cut short: what would be SIGBUS becomes a mark.
 *
 *   guard_install (any number of times) -> guard_add -> reads, guard_sound -> guard_remove -> munmap
 *
 * A page that has gone from a mapped file (truncated, or the disk fails) kills who reads it. With
 * the guard the signal is taken by one handler for the process: it marks the range as damaged, maps
 * zeros over all of it, and the read goes on and gets zeros. So whoever reads such ranges must be
 * able to read any bytes, and must ask guard_sound BEFORE an answer made of them is given away:
 * once marked, a range stays so until it is removed.
 *
 * Faults elsewhere go to the handler that was there before; one that is installed later must
 * call ours. A thread that blocks SIGBUS is killed by the kernel all the same.
 *
 * guard_sound and the handler: any thread, no lock, no allocation. The rest: any thread.
 */
#ifndef ENGINE_GUARD_H
#define ENGINE_GUARD_H

#include <stdbool.h>

#include "engine/status.h"

struct guard;

/* Take SIGBUS; the first call does it, for good. */
enum status
guard_install(struct fault *fault);

/*
 * From now on faults in these bytes, which are mapped and begin at a page, are taken, if the
 * guard is installed; marks can be set anyway. `writable`: they are written, too. NULL: no memory.
 */
struct guard *
guard_add(const void *bytes, size_t length, bool writable);
/* Before the bytes are unmapped. NULL is fine. */
void
guard_remove(struct guard *guard);

/* The bytes are known to be wrong, or may be: the same mark by hand. */
void
guard_mark(struct guard *guard);
/* NULL: not damaged. */
bool
guard_damaged(const struct guard *guard);

/* Private: ranges that are marked now, of the whole process. Hidden, or the linker has a say in each load. */
extern uint32_t guard_marks __attribute__((visibility("hidden")));

/* A plain load: of an atomic one gcc takes the address first, and a look-up pays for that. */
static inline uint32_t
guard_count(void)
{
#ifdef __SANITIZE_THREAD__
	return __atomic_load_n(&guard_marks, __ATOMIC_RELAXED);
#else
	return *(const volatile uint32_t *)&guard_marks;
#endif
}

/*
 * No range of the process is marked: what was read until now is what the files say. One load.
 * The fence keeps that load behind those of the data; on x86 that is no instruction.
 */
static inline bool
guard_sound(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__atomic_signal_fence(__ATOMIC_ACQUIRE);
#else
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
#endif
	return __builtin_expect(guard_count() == 0, 1);
}

#endif
