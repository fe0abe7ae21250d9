/* SPDX-License-Identifier: Apache-2.0 */
/* What is durable between two operations, and the choices for the rest. */
#include "tests/power_disk.h"

#include <stdlib.h>
#include <string.h>

#include "tests/power_bytes.h"

/* --- operations ---------------------------------------------------------------------------- */

struct power_disk *
power_disk_new(const struct power_log *log)
{
	struct power_disk *disk = calloc(1, sizeof(*disk));
	if (disk == NULL)
		power_fail("no memory for a disk");
	disk->log = log;
	disk->names = log->base;
	for (uint32_t i = 0; i < log->file_count; i++)
		power_bytes_write(&disk->file[i].bytes, 0, log->room + log->file[i].bytes,
				  log->file[i].length);
	return disk;
}

void
power_disk_free(struct power_disk *disk)
{
	for (uint32_t i = 0; i < POWER_FILES; i++)
		free(disk->file[i].bytes.at);
	free(disk);
}

static bool
is_data(const struct power_op *op)
{
	return op->kind == POWER_WRITE || op->kind == POWER_SIZE;
}

/* Is it what this sync makes durable? */
static bool
is_synced(const struct power_op *op, const struct power_op *sync)
{
	if (sync->kind == POWER_SYNC)
		return is_data(op) && op->file == sync->file;
	return !is_data(op) && op->directory == sync->directory;
}

static void
make_durable(struct power_disk *disk, const struct power_op *op)
{
	struct power_bytes *bytes = &disk->file[op->file].bytes;
	if (op->kind == POWER_WRITE)
		power_bytes_write(bytes, op->offset, disk->log->room + op->bytes, op->length);
	else if (op->kind == POWER_SIZE)
		power_bytes_resize(bytes, op->length);
	else
		power_names_apply(&disk->names, op);
	if (is_data(op)) {
		disk->file[op->file].version++;
		disk->file[op->file].sum = 0;
	}
}

#define PAGE 4096

/* Was any page of it written once more? */
static bool
is_rewritten(const struct power_disk *disk, uint32_t number)
{
	const struct power_op *op = &disk->log->op[disk->pending[number]];
	uint64_t first = op->offset / PAGE, last = (op->offset + op->length) / PAGE;
	for (uint32_t i = number + 1; i < disk->pending_count; i++) {
		const struct power_op *later = &disk->log->op[disk->pending[i]];
		if (later->kind == POWER_WRITE && later->file == op->file &&
		    later->offset / PAGE <= last && (later->offset + later->length) / PAGE >= first)
			return true;
	}
	return false;
}

static void
sync_all(struct power_disk *disk, const struct power_op *sync)
{
	uint32_t left = 0;
	for (uint32_t i = 0; i < disk->pending_count; i++) {
		const struct power_op *op = &disk->log->op[disk->pending[i]];
		if (is_synced(op, sync) && (!disk->stuck[i] || is_rewritten(disk, i))) {
			make_durable(disk, op);
			continue;
		}
		disk->stuck[left] = disk->stuck[i];
		disk->pending[left++] = disk->pending[i];
	}
	disk->pending_count = left;
}

static void
fail_all(struct power_disk *disk, uint32_t file)
{
	for (uint32_t i = 0; i < disk->pending_count; i++) {
		const struct power_op *op = &disk->log->op[disk->pending[i]];
		if (op->kind == POWER_WRITE && op->file == file)
			disk->stuck[i] = true;
	}
}

bool
power_disk_step(struct power_disk *disk)
{
	if (disk->at == disk->log->op_count)
		return false;
	const struct power_op *op = &disk->log->op[disk->at];
	if (op->kind == POWER_MARK) {
		disk->states = op->states;
		disk->generation = op->generation;
	} else if (op->kind == POWER_SYNC || op->kind == POWER_SYNC_DIRECTORY) {
		sync_all(disk, op);
	} else if (op->kind == POWER_SYNC_FAILED) {
		fail_all(disk, op->file);
	} else {
		if (disk->pending_count == POWER_PENDING)
			power_fail("more than %d operations are pending", POWER_PENDING);
		disk->stuck[disk->pending_count] = false;
		disk->pending[disk->pending_count++] = disk->at;
	}
	disk->at++;
	return true;
}

/* --- choices ---------------------------------------------------------------------------------- */

static const struct power_op *
pending_op(const struct power_disk *disk, uint32_t i)
{
	return &disk->log->op[disk->pending[i]];
}

/*
 * Of each operation, after those that are made for all: it alone lost, it alone kept, all before it, all
 * before it and itself torn (twice), it alone torn (in four ways).
 */
#define PLANNED_FIRST 2
#define PLANNED_BORDERS 2
#define PLANNED_TEARS 4
#define PLANNED_EACH (3 + PLANNED_BORDERS + PLANNED_TEARS)

uint32_t
power_choice_planned(const struct power_disk *disk)
{
	return PLANNED_FIRST + PLANNED_EACH * disk->pending_count;
}

static void
fate_all(struct power_choice *choice, uint32_t from, uint32_t to, enum power_fate fate)
{
	for (uint32_t i = from; i < to; i++)
		choice->fate[i] = (uint8_t)fate;
}

static void
choose_planned(const struct power_disk *disk, uint32_t number, struct power_choice *choice)
{
	uint32_t count = disk->pending_count;
	fate_all(choice, 0, count, number == 1 ? POWER_LOST : POWER_DONE);
	if (number < PLANNED_FIRST)
		return;
	uint32_t i = (number - PLANNED_FIRST) / PLANNED_EACH;
	uint32_t way = (number - PLANNED_FIRST) % PLANNED_EACH;
	if (way == 0) {
		choice->fate[i] = POWER_LOST;
	} else if (way == 1) {
		fate_all(choice, 0, count, POWER_LOST);
		choice->fate[i] = POWER_DONE;
	} else if (way < 3 + PLANNED_BORDERS) {
		fate_all(choice, i, count, POWER_LOST);
		choice->size = POWER_SIZE_FULL;
		choice->stale = way == 4;
		if (way > 2)
			choice->fate[i] = POWER_TORN;
	} else {
		bool lost = pending_op(disk, i)->kind == POWER_WRITE && way == 5;
		choice->fate[i] = lost ? POWER_LOST : POWER_TORN;
		choice->size = way % 2 == 1 ? POWER_SIZE_FULL : POWER_SIZE_WRITTEN;
		choice->stale = way > 6;
	}
}

static void
choose_by_chance(const struct power_disk *disk, struct power_choice *choice)
{
	static const uint8_t kept[] = {10, 50, 50, 90};
	uint64_t word = choice->seed;
	uint32_t percent = kept[power_random(&word) % sizeof(kept)];
	for (uint32_t i = 0; i < disk->pending_count; i++) {
		bool tears = pending_op(disk, i)->kind == POWER_WRITE ||
			     pending_op(disk, i)->kind == POWER_RENAME;
		uint32_t roll = (uint32_t)(power_random(&word) % 100);
		choice->fate[i] = roll < percent ? POWER_DONE : POWER_LOST;
		if (tears && power_random(&word) % 5 < 2)
			choice->fate[i] = POWER_TORN;
	}
	choice->size = (enum power_size)(power_random(&word) % 3);
	choice->stale = power_random(&word) % 2 == 0;
}

void
power_choice_make(const struct power_disk *disk, uint32_t number, uint64_t seed,
		  struct power_choice *choice)
{
	memset(choice, 0, sizeof(*choice));
	choice->seed = seed ^ (uint64_t)disk->at << 40 ^ (uint64_t)number << 8;
	uint64_t hint = power_random(&choice->seed);
	if (number > 0)
		choice->hint = (enum power_hint)(hint % POWER_HINTS);
	if (number < power_choice_planned(disk))
		choose_planned(disk, number, choice);
	else
		choose_by_chance(disk, choice);
}
