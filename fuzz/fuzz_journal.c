/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a journal: as they are, then with every sum made good, so that mutations get past
 * them. Whatever is found is read: each record's state, catalogue and layers. The walk from the
 * head and the walk from a place that is known must agree, and no record may begin in front of the
 * end of the one before it.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/catalog.h"
#include "engine/journal.h"
#include "engine/segment.h"

#define MOST (1u << 20)
#define MOST_RECORDS 64 /* of a journal that is read whole, catalogues and all */

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void
read_layer(const struct journal *journal, const struct journal_layer *layer)
{
	struct segment segment;
	uint8_t *bytes;
	if (layer->offset == 0 || journal_segment(journal, layer, &bytes, NULL) != STATUS_OK)
		return;
	(void)segment_attach(&segment, bytes, (size_t)layer->bytes, NULL);
	free(bytes);
}

static void
read_record(const struct journal *journal, const struct journal_place *place)
{
	struct journal_state state;
	struct catalog catalog;
	uint8_t *bytes;
	size_t length;
	if (journal_state(journal, place, &state, NULL) != STATUS_OK)
		return;
	if (journal_catalog(journal, &state, &bytes, &length, NULL) == STATUS_OK) {
		if (catalog_decode(bytes, length, &catalog, NULL) == STATUS_OK)
			catalog_fini(&catalog);
		free(bytes);
	}
	for (uint32_t i = 0; i < state.layer_count; i++)
		read_layer(journal, &state.layer[i]);
}

static void
read_journal(const char *path)
{
	struct journal journal;
	struct journal_place last, again, place = {0};
	bool whole;
	if (journal_open(path, &journal, NULL) != STATUS_OK)
		return;
	bool any = journal_walk(&journal, NULL, UINT64_MAX, &last, NULL) == STATUS_OK;
	while (place.count < MOST_RECORDS) {
		uint64_t end = place.end;
		if (journal_next(&journal, &place, &whole, NULL, NULL) != STATUS_OK)
			break;
		if (place.offset < end || place.end <= place.offset || place.end > journal.in.length)
			abort();
		read_record(&journal, &place);
	}
	if (any && (journal_walk(&journal, &last, UINT64_MAX, &again, NULL) != STATUS_OK ||
		    memcmp(&last, &again, sizeof(last)) != 0))
		abort();
	journal_close(&journal);
}

/* Sums of the head, and of every page that calls itself a record of this journal. */
static void
seal(uint8_t *bytes, size_t length)
{
	struct journal_d *head = (struct journal_d *)bytes;
	memcpy(head->magic, FORMAT_JOURNAL_MAGIC, sizeof(head->magic));
	head->version = le32_make(FORMAT_JOURNAL_VERSION);
	head->sum = le64_make(hash_sum(head, offsetof(struct journal_d, sum)));
	for (size_t at = FORMAT_PAGE_BYTES; at + FORMAT_PAGE_BYTES <= length; at += FORMAT_PAGE_BYTES) {
		struct record_d *record = (struct record_d *)(bytes + at);
		uint64_t size = le64_get(record->bytes);
		if (le32_get(record->magic) != FORMAT_RECORD)
			continue;
		record->journal = head->id;
		if (size >= FORMAT_PAGE_BYTES && size <= length - at)
			record->payload_sum = le64_make(hash_sum(record + 1, size - sizeof(*record)));
		uint64_t from = le64_get(record->catalog), count = le64_get(record->catalog_bytes);
		if (from <= length && count <= length - from)
			record->catalog_sum = le64_make(hash_sum(bytes + from, count));
		record->sum = le64_make(hash_sum(record, offsetof(struct record_d, sum)));
	}
}

static void
read_bytes(const uint8_t *bytes, size_t length)
{
	char path[64];
	int fd = memfd_create("journal", MFD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd >= 0 && write(fd, bytes, length) == (ssize_t)length)
		read_journal(path);
	close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	if (length < FORMAT_PAGE_BYTES || length > MOST)
		return 0;
	read_bytes(bytes, length);
	uint8_t *copy = malloc(length);
	if (copy == NULL)
		return 0;
	memcpy(copy, bytes, length);
	seal(copy, length);
	read_bytes(copy, length);
	free(copy);
	return 0;
}
