/* SPDX-License-Identifier: Apache-2.0 */
/* A clock for short stretches, and the middle of a few samples. */
#ifndef BENCH_TIMER_H
#define BENCH_TIMER_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#define TIMER_FENCE() _mm_lfence()
#else
#define TIMER_FENCE() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif

static inline double
timer_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Ticks between two calls; their length in ns from timer_tick_ns(). */
static inline uint64_t
timer_ticks(void)
{
#if defined(__x86_64__)
	_mm_lfence();
	uint64_t ticks = __rdtsc();
	_mm_lfence();
	return ticks;
#else
	return (uint64_t)timer_ns();
#endif
}

/* ns per tick; takes 20 ms the first time. */
double
timer_tick_ns(void);

double
timer_median(const double *values, size_t count);

/* The median of values[i] / base[i]. */
double
timer_median_ratio(const double *values, const double *base, size_t count);

#endif
