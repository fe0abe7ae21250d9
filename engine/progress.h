/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A progress bar on stderr, for people: only on a terminal, only for the
 * foreground job, never with -q.
 *
 *   progress_start -> progress_update* -> progress_end
 *
 *   feed.csv [=======>            ]  37%  12.3/33.1 MB  412,882 entries  1.2 M/s  0:02 left
 *
 * Redrawn at most ten times a second and wiped at the end, so that nothing of
 * it stays between the lines of a report. Plain ASCII without escape
 * sequences, so NO_COLOR and dumb terminals get the same. One at a time per
 * process. Before printing anything else in between, call progress_wipe().
 */
#ifndef ENGINE_PROGRESS_H
#define ENGINE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
	const char *label;      /* borrowed */
	const char *item_name;  /* "entries"; borrowed */
	bool on;
	bool drawn;
	uint64_t started_ns, drawn_ns;
	uint64_t done_bytes, total_bytes; /* total 0: unknown */
	uint64_t items;
	unsigned skip;          /* updates until the clock is asked again */
};

/* `wanted`: the caller's !quiet. Draws nothing yet. */
void
progress_start(struct progress *progress, const char *label, const char *item_name, bool wanted);

/* Cheap: the clock is asked once in many calls. */
void
progress_update(struct progress *progress, uint64_t done_bytes, uint64_t total_bytes,
		uint64_t items);

void
progress_wipe(struct progress *progress);

/* Wipes. Harmless when nothing was drawn. */
void
progress_end(struct progress *progress);

/*
 * The line as it would be drawn after `elapsed_ns`, at most `width` columns
 * and `capacity` - 1 bytes. Returns its length. Pure: for tests.
 */
size_t
progress_render(const struct progress *progress, uint64_t elapsed_ns, size_t width, char *line,
		size_t capacity);

#endif
