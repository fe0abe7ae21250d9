/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/timer.h"

#include <string.h>

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

/* Of memory that is taken, sorted and freed. */
static double
median_of(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), by_size);
	double median = count % 2 ? values[count / 2]
				  : (values[count / 2 - 1] + values[count / 2]) / 2;
	free(values);
	return median;
}

static double *
room(size_t count)
{
	double *values = malloc(count * sizeof(*values));
	if (values == NULL)
		abort();
	return values;
}

double
timer_median(const double *values, size_t count)
{
	return median_of(memcpy(room(count), values, count * sizeof(*values)), count);
}

double
timer_median_ratio(const double *values, const double *base, size_t count)
{
	double *ratio = room(count);
	for (size_t i = 0; i < count; i++)
		ratio[i] = values[i] / base[i];
	return median_of(ratio, count);
}
