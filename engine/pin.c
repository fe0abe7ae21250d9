/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/pin.h"

#include <assert.h>
#include <stddef.h>

#define TAKEN_MASK ((1ull << PIN_TAKEN_BITS) - 1)
#define ADDRESS_BITS 48
#define ALIGN_BITS 4

static_assert(PIN_TAKEN_BITS + ADDRESS_BITS - ALIGN_BITS <= 64, "both halves fit the word");

static struct pin *
word_pin(uint64_t word)
{
	return (struct pin *)(uintptr_t)(word >> PIN_TAKEN_BITS << ALIGN_BITS);
}

static uint64_t
word_taken(uint64_t word)
{
	return word & TAKEN_MASK;
}

static uint64_t
word_make(const struct pin *pin)
{
	uint64_t address = (uintptr_t)pin;
	assert(address >> ADDRESS_BITS == 0 && address % (1u << ALIGN_BITS) == 0);
	return address >> ALIGN_BITS << PIN_TAKEN_BITS;
}

void
pin_init(struct pin *pin)
{
	pin->count = 1;
}

/*
 * R4, R5. Release: takers see the object as it is now. Acquire: what movers took out of the word is
 * in the count before we add the rest.
 */
struct pin *
pin_swap(struct pin_place *place, struct pin *fresh)
{
	if (fresh != NULL)
		__atomic_add_fetch(&fresh->count, PIN_STANDS - 1, __ATOMIC_RELAXED);
	uint64_t word = __atomic_exchange_n(&place->word, word_make(fresh), __ATOMIC_ACQ_REL);
	struct pin *old = word_pin(word);
	if (old == NULL)
		return NULL;
	uint64_t left = __atomic_add_fetch(&old->count, word_taken(word) - PIN_STANDS,
					   __ATOMIC_ACQ_REL);
	return left == 0 ? old : NULL;
}

/* I4. Our own pin is in `word`, or was moved from there: the count does not come to zero here. */
static void
move_taken(struct pin_place *place, uint64_t word)
{
	struct pin *pin = word_pin(word);
	while (word_pin(word) == pin && word_taken(word) >= PIN_MOVE_AT) {
		uint64_t taken = word_taken(word);
		__atomic_add_fetch(&pin->count, taken, __ATOMIC_RELAXED);
		if (__atomic_compare_exchange_n(&place->word, &word, word - taken, false,
						__ATOMIC_RELEASE, __ATOMIC_RELAXED))
			return;
		__atomic_sub_fetch(&pin->count, taken, __ATOMIC_RELAXED);
	}
}

/* T1 */
struct pin *
pin_take(struct pin_place *place)
{
	uint64_t word = __atomic_add_fetch(&place->word, 1, __ATOMIC_ACQUIRE);
	assert(word_pin(word) != NULL && word_taken(word) > 0);
	if (word_taken(word) >= PIN_MOVE_AT)
		move_taken(place, word);
	return word_pin(word);
}

void
pin_keep(struct pin *pin)
{
	__atomic_add_fetch(&pin->count, 1, __ATOMIC_RELAXED);
}

/* D1. Release: what we read of the object is done. Acquire: the others' reading, too, if we free. */
bool
pin_drop(struct pin *pin)
{
	uint64_t left = __atomic_sub_fetch(&pin->count, 1, __ATOMIC_ACQ_REL);
	assert(left != UINT64_MAX);
	return left == 0;
}
