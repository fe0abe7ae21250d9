/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/timer.h"

double
timer_tick_ns(void)
{
	static double tick;
	if (tick > 0)
		return tick;
	double start = timer_ns(), now;
	uint64_t ticks = timer_ticks();
	while ((now = timer_ns()) - start < 20e6)
		;
	tick = (now - start) / (double)(timer_ticks() - ticks);
	return tick;
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double
timer_median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), by_size);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}
