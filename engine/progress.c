/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define PROGRESS_REDRAW_NS 100000000ull /* ten times a second */
#define PROGRESS_FIRST_NS 300000000ull  /* what is over sooner needs no bar */
#define PROGRESS_SKIP 16                /* updates between two looks at the clock */
#define PROGRESS_BAR_COLUMNS 24
#define PROGRESS_LINE_BYTES 256
#define NS_PER_SECOND 1000000000ull

static uint64_t
now_ns(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * NS_PER_SECOND + (uint64_t)time.tv_nsec;
}

/* A background job would be stopped, or scribble over the foreground one. */
static bool
foreground_terminal(void)
{
	return isatty(STDERR_FILENO) && tcgetpgrp(STDERR_FILENO) == getpgrp();
}

void
progress_start(struct progress *progress, const char *label, const char *item_name, bool wanted)
{
	*progress = (struct progress){.label = label, .item_name = item_name};
	progress->on = wanted && foreground_terminal();
	if (progress->on)
		progress->started_ns = now_ns();
}

/* Columns and bytes are one here: labels may hold UTF-8, then the bar is a little short. */
struct line {
	char *text;
	size_t length, capacity;
};

static void __attribute__((format(printf, 2, 3)))
line_add(struct line *line, const char *format, ...)
{
	va_list arguments;
	size_t room = line->capacity - line->length;
	va_start(arguments, format);
	int wrote = vsnprintf(line->text + line->length, room, format, arguments);
	va_end(arguments);
	if (wrote > 0)
		line->length += (size_t)wrote < room ? (size_t)wrote : room - 1;
}

static void
line_add_bar(struct line *line, uint64_t done, uint64_t total)
{
	char bar[PROGRESS_BAR_COLUMNS + 1];
	unsigned full = (unsigned)((double)done / (double)total * PROGRESS_BAR_COLUMNS);
	memset(bar, ' ', PROGRESS_BAR_COLUMNS);
	memset(bar, '=', full);
	if (full < PROGRESS_BAR_COLUMNS)
		bar[full] = '>';
	bar[PROGRESS_BAR_COLUMNS] = '\0';
	line_add(line, " [%s] %3u%%", bar, (unsigned)((double)done / (double)total * 100));
}

/* 1,234,567 */
static void
line_add_count(struct line *line, uint64_t count)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
	line_add(line, "  ");
	for (int i = 0; i < length; i++)
		line_add(line, "%s%c", i > 0 && (length - i) % 3 == 0 ? "," : "", digits[i]);
}

/* 3 digits and a letter: 412, 1.2 k, 33 M. */
static void
line_add_short(struct line *line, double value)
{
	static const char *const units[] = {"", " k", " M", " G", " T"};
	size_t unit = 0;
	for (; value >= 1000 && unit < 4; unit++)
		value /= 1000;
	line_add(line, value < 10 && unit > 0 ? "%.1f%s" : "%.0f%s", value, units[unit]);
}

static void
line_add_left(struct line *line, uint64_t done, uint64_t total, double elapsed)
{
	uint64_t seconds = (uint64_t)(elapsed * (double)(total - done) / (double)done + 0.5);
	if (seconds >= 3600)
		line_add(line, "  %llu:%02u:%02u left", (unsigned long long)(seconds / 3600),
			 (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
	else
		line_add(line, "  %u:%02u left", (unsigned)(seconds / 60), (unsigned)(seconds % 60));
}

size_t
progress_render(const struct progress *progress, uint64_t elapsed_ns, size_t width, char *text,
		size_t capacity)
{
	uint64_t total = progress->total_bytes, done = progress->done_bytes;
	double elapsed = (double)elapsed_ns / (double)NS_PER_SECOND;
	struct line line = {.text = text, .capacity = capacity};
	if (capacity == 0)
		return 0;
	text[0] = '\0';
	if (done > total && total > 0) /* the file grew */
		done = total;
	line_add(&line, "%s", progress->label);
	if (total > 0) {
		line_add_bar(&line, done, total);
		line_add(&line, "  %.1f/%.1f MB", (double)done / 1e6, (double)total / 1e6);
	} else if (done > 0) {
		line_add(&line, "  %.1f MB", (double)done / 1e6);
	}
	line_add_count(&line, progress->items);
	line_add(&line, " %s", progress->item_name);
	if (elapsed > 0) {
		line_add(&line, "  ");
		line_add_short(&line, (double)progress->items / elapsed);
		line_add(&line, "/s");
	}
	if (total > 0 && done > 0 && elapsed > 0)
		line_add_left(&line, done, total, elapsed);
	if (line.length > width) {
		line.length = width;
		text[width] = '\0';
	}
	return line.length;
}

/* The last column is left free: writing there may wrap. */
static size_t
terminal_columns(void)
{
	struct winsize size;
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2)
		return 79;
	return size.ws_col - 1u < PROGRESS_LINE_BYTES - 1 ? size.ws_col - 1u
							  : PROGRESS_LINE_BYTES - 1;
}

/* One write a drawing, padded with blanks over what stood there before. */
static void
draw(struct progress *progress, uint64_t now)
{
	char line[PROGRESS_LINE_BYTES];
	size_t width = terminal_columns();
	progress_render(progress, now - progress->started_ns, width, line, sizeof(line));
	fprintf(stderr, "\r%-*s", (int)width, line);
	fflush(stderr);
	progress->drawn = true;
}

void
progress_update(struct progress *progress, uint64_t done_bytes, uint64_t total_bytes,
		uint64_t items)
{
	progress->done_bytes = done_bytes;
	progress->total_bytes = total_bytes;
	progress->items = items;
	if (!progress->on || progress->skip-- > 0)
		return;
	progress->skip = PROGRESS_SKIP;
	uint64_t now = now_ns();
	if (now - progress->started_ns < PROGRESS_FIRST_NS ||
	    now - progress->drawn_ns < PROGRESS_REDRAW_NS)
		return;
	progress->drawn_ns = now;
	if (foreground_terminal())
		draw(progress, now);
}

void
progress_wipe(struct progress *progress)
{
	if (!progress->drawn)
		return;
	fprintf(stderr, "\r%*s\r", (int)terminal_columns(), "");
	fflush(stderr);
	progress->drawn = false;
}

void
progress_end(struct progress *progress)
{
	progress_wipe(progress);
	progress->on = false;
}
