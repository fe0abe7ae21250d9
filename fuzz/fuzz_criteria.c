/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as criteria, over the predefined categories, asked of a claim whose
 * tag strings are taken from the same bytes. What parses must print a text that
 * parses to the same print and the same answer; asked through a plan, of the
 * claim and of its tag set alone, the answers must not contradict it.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "query/criteria_plan.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static struct catalog catalog;

static void
check_again(const struct criteria *criteria, const struct criteria_subject *subject)
{
	struct criteria *again;
	char *text, *text_again;
	size_t length, length_again;

	if (criteria_print(criteria, &text, &length, NULL) != STATUS_OK)
		return;
	if (criteria_parse(text, length, &catalog, &again, NULL) != STATUS_OK ||
	    criteria_print(again, &text_again, &length_again, NULL) != STATUS_OK)
		abort();
	if (length != length_again || memcmp(text, text_again, length) != 0)
		abort();
	if (criteria_match(criteria, subject) != criteria_match(again, subject))
		abort();
	criteria_free(again);
	free(text);
	free(text_again);
}

static void
check_plan(const struct criteria *criteria, const struct criteria_subject *subject)
{
	static struct criteria_claim claim;
	const struct criteria *both[2] = { criteria, NULL };
	struct criteria_set set = { subject->set, subject->set_length };
	bool match = criteria_match(criteria, subject);
	struct criteria_plan *plan;
	struct criteria_batch *batch;
	uint64_t certain, open;

	if (criteria_plan_new(both, 2, &plan, NULL) != STATUS_OK)
		return;
	criteria_claim_read(plan, subject, &claim);
	if (criteria_claim_match(&claim, 0) != match || !criteria_claim_match(&claim, 1))
		abort();
	if (criteria_batch_new(plan, &batch, NULL) != STATUS_OK ||
	    criteria_batch_load(batch, &set, 1, NULL) != STATUS_OK)
		abort();
	criteria_batch_ask(batch, 0, CRITERIA_NOTES_ANY, &certain, &open);
	if (certain & open || (open && !criteria_plan_open(plan, 0)))
		abort();
	/* Set and notes are the same bytes: both are damaged or none. */
	if (!open && match != (certain == 1))
		abort();
	criteria_batch_free(batch);
	criteria_plan_free(plan);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	/* Behind the first NUL: the tags. */
	const uint8_t *end = length ? memchr(bytes, 0, length) : NULL;
	size_t text_length = end ? (size_t)(end - bytes) : length;
	struct criteria_subject subject = { .kind = KIND_URL, .scope = SCOPE_BELOW, .expires = 1 };
	struct criteria *criteria;

	if (length == 0 ||
	    (!catalog.category_count && catalog_init(&catalog, NULL) != STATUS_OK))
		return 0;
	if (end) {
		subject.set = end + 1;
		subject.set_length = length - text_length - 1;
		subject.notes = subject.set;
		subject.notes_length = subject.set_length;
	}
	if (criteria_parse((const char *)bytes, text_length, &catalog, &criteria, NULL) != STATUS_OK)
		return 0;
	check_again(criteria, &subject);
	check_plan(criteria, &subject);
	criteria_free(criteria);
	return 0;
}
