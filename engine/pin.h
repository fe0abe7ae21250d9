/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pins: any number of threads hold an object while one thread puts another in its
 * place; whoever lets go of it last is told so and frees it.
 *
 *   pin_init -> pin_swap (into its place) -> (pin_take -> pin_keep* -> pin_drop+)* -> pin_swap (the next)
 *
 * Taking is one atomic addition, dropping another, and no step waits for another
 * thread: neither for one that is stopped between any two instructions. Any thread may call
 * anything here at any time; only pin_init is for the one thread that knows of the object.
 *
 * One count is kept in two halves, so that a thread can pin what stands in the place
 * without touching the object first (which may be gone by then):
 *
 *   place   | address / 16 : 44 | taken : 20 |    one word: T1 adds to it, R4 exchanges it
 *   object  | count : 64 |                        D1 subtracts from it, R5 adds `taken` to it
 *
 *   I1  An object is put into a place once in its life, so a word with its address is
 *       always about the same stay.
 *   I2  While it stands there its count is PIN_STANDS too high, so no drop finds it to be the
 *       last. Then: pins held = count - PIN_STANDS + taken. Afterwards: pins held = count.
 *   I3  Whoever exchanged the word, and nobody else, adds `taken` - PIN_STANDS to the count (R5).
 *       Until then nothing can be freed.
 *   I4  `taken` must not overflow: a taker that finds PIN_MOVE_AT or more moves them over into the
 *       count: adds them there, then takes them out of the word by compare-and-exchange, or, if
 *       the word is another by now, takes them back. In this order the count is never
 *       below the truth; the mover's own pin keeps the object meanwhile.
 *   I5  A mover tries again only if the word still has this address and too large a `taken`, and
 *       every other taker is then a mover, too: it fails at most once for each of them, and the word
 *       has room as long as no more than PIN_MOVE_AT threads of one process are in pin_take.
 *
 * tests/model/store.pml has the same steps, with planted mistakes.
 */
#ifndef ENGINE_PIN_H
#define ENGINE_PIN_H

#include <stdbool.h>
#include <stdint.h>

#ifndef PIN_TAKEN_BITS
#define PIN_TAKEN_BITS 20 /* tests make it smaller */
#endif
#define PIN_MOVE_AT (1u << (PIN_TAKEN_BITS - 1))
#define PIN_STANDS (1ull << 62)

/* In the object; the object must be aligned to 16 bytes, as malloc does. */
struct pin {
	_Alignas(16) uint64_t count;
};

/* All zero: empty. */
struct pin_place {
	_Alignas(8) uint64_t word;
};

/* A new object: the caller holds one pin. */
void
pin_init(struct pin *pin);

/*
 * Hand the caller's pin on `fresh` (NULL: leave the place empty) over to the place. Returns what
 * stood there if nobody has it any more: the caller's to free; else NULL.
 */
struct pin *
pin_swap(struct pin_place *place, struct pin *fresh);

/* Pin what stands in the place. The place must not be empty, now or later while taking. */
struct pin *
pin_take(struct pin_place *place);

/* One more pin, by one who has one. */
void
pin_keep(struct pin *pin);

/* True: that was the last, the object is the caller's to free. */
bool
pin_drop(struct pin *pin);

#endif
