/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pins, by the code as it is and with a count of takes of four bits, which is full all the time.
 * Under ThreadSanitizer (tests/run tsan) and AddressSanitizer, too: objects are really freed.
 */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>

#include "tests/extra_pin.h"

struct width {
	struct pin *(*swap)(struct pin_place *place, struct pin *fresh);
	struct pin *(*take)(struct pin_place *place);
	void (*keep)(struct pin *pin);
	bool (*drop)(struct pin *pin);
	uint64_t move_at;
};

static const struct width widths[] = {
	{pin_swap, pin_take, pin_keep, pin_drop, PIN_MOVE_AT},
	{small_pin_swap, small_pin_take, small_pin_keep, small_pin_drop, SMALL_PIN_MOVE_AT},
};
#define WIDTHS (int)(sizeof(widths) / sizeof(*widths))

/* In loops and threads: Check's own assertions write to a file each time. */
#define NEED(condition) \
	do { \
		if (!(condition)) \
			ck_abort_msg("not so: %s", #condition); \
	} while (0)

/* --- what is pinned -------------------------------------------------------------------- */

#define ALIVE 0x616c697665ull

struct object {
	struct pin pin; /* first, so that a pin is its object */
	uint64_t state, number;
};

static uint64_t made, freed; /* atomic */

static struct pin *
object_new(uint64_t number)
{
	struct object *object = calloc(1, sizeof(*object));
	NEED(object != NULL);
	pin_init(&object->pin);
	object->state = ALIVE;
	object->number = number;
	__atomic_add_fetch(&made, 1, __ATOMIC_RELAXED);
	return &object->pin;
}

static uint64_t
object_number(const struct pin *pin)
{
	const struct object *object = (const struct object *)pin;
	NEED(object->state == ALIVE);
	return object->number;
}

static void
object_free(struct pin *pin)
{
	struct object *object = (struct object *)pin;
	if (pin == NULL)
		return;
	NEED(object->state == ALIVE);
	object->state = 0;
	__atomic_add_fetch(&freed, 1, __ATOMIC_RELAXED);
	free(object);
}

static void
all_gone(void)
{
	ck_assert_uint_gt(made, 0);
	ck_assert_uint_eq(freed, made);
}

/* --- one thread ------------------------------------------------------------------------ */

START_TEST(what_nobody_has_is_handed_back_by_the_swap)
{
	const struct width *width = &widths[_i];
	struct pin_place place = {0};
	struct pin *first = object_new(1), *second = object_new(2);
	ck_assert_ptr_null(width->swap(&place, first));
	ck_assert_ptr_eq(width->swap(&place, second), first);
	ck_assert_ptr_eq(width->swap(&place, NULL), second);
	ck_assert_ptr_null(width->swap(&place, NULL));
	object_free(first);
	object_free(second);
	all_gone();
}
END_TEST

START_TEST(the_last_drop_is_told_so)
{
	const struct width *width = &widths[_i];
	struct pin_place place = {0};
	struct pin *object = object_new(1);
	ck_assert_ptr_null(width->swap(&place, object));
	ck_assert_ptr_eq(width->take(&place), object);
	ck_assert_ptr_eq(width->take(&place), object);
	width->keep(object);
	ck_assert(!width->drop(object));
	ck_assert_ptr_null(width->swap(&place, NULL));
	ck_assert(!width->drop(object));
	ck_assert(width->drop(object));
	object_free(object);
}
END_TEST

START_TEST(an_object_that_never_stood_anywhere_goes_with_its_first_pin)
{
	const struct width *width = &widths[_i];
	struct pin *object = object_new(1);
	width->keep(object);
	ck_assert(!width->drop(object));
	ck_assert(width->drop(object));
	object_free(object);
}
END_TEST

START_TEST(all_dropped_while_it_stands_is_not_the_end)
{
	const struct width *width = &widths[_i];
	struct pin_place place = {0};
	struct pin *object = object_new(1);
	ck_assert_ptr_null(width->swap(&place, object));
	for (uint64_t i = 0; i < 5 * width->move_at; i++) {
		NEED(width->take(&place) == object);
		NEED(!width->drop(object));
	}
	ck_assert_ptr_eq(width->swap(&place, NULL), object);
	object_free(object);
}
END_TEST

/* Each number of takes around those at which they are moved over; dropped before or after the swap. */
START_TEST(takes_beyond_the_count_are_kept)
{
	const struct width *width = &widths[_i];
	struct pin_place place = {0};
	for (uint64_t takes = 3 * width->move_at - 3; takes <= 3 * width->move_at + 3; takes++)
		for (uint64_t early = 0; early <= takes; early += takes / 2) {
			struct pin *object = object_new(takes), *rest = NULL;
			ck_assert_ptr_null(width->swap(&place, object));
			for (uint64_t i = 0; i < takes; i++)
				NEED(width->take(&place) == object);
			for (uint64_t i = 0; i < early; i++)
				NEED(!width->drop(object));
			rest = width->swap(&place, NULL);
			ck_assert_ptr_eq(rest, early == takes ? object : NULL);
			for (uint64_t i = early; i < takes; i++)
				NEED(width->drop(object) == (i + 1 == takes));
			object_free(object);
		}
	all_gone();
}
END_TEST

/* --- threads ----------------------------------------------------------------------------- */

#define TAKERS 4
#define HELD 3
#define SWAPS 4000
#define SWAPPERS 2

struct crowd {
	const struct width *width;
	struct pin_place place;
	uint64_t number; /* atomic: of the last object made */
	bool over;       /* atomic */
	uint64_t takes;  /* atomic */
};

/* A few objects at a time, dropped in turn: each is alive until then. */
static void *
take_and_drop(void *context)
{
	struct crowd *crowd = context;
	struct pin *held[HELD] = {NULL};
	uint64_t takes = 0;
	for (; !__atomic_load_n(&crowd->over, __ATOMIC_ACQUIRE) || takes < 100; takes++) {
		struct pin **slot = &held[takes % HELD];
		if (*slot != NULL && object_number(*slot) > 0 && crowd->width->drop(*slot))
			object_free(*slot);
		*slot = crowd->width->take(&crowd->place);
		object_number(*slot);
		if (takes % 7 == 0) {
			crowd->width->keep(*slot);
			NEED(!crowd->width->drop(*slot));
		}
	}
	for (int i = 0; i < HELD; i++)
		if (crowd->width->drop(held[i]))
			object_free(held[i]);
	__atomic_add_fetch(&crowd->takes, takes, __ATOMIC_RELAXED);
	return NULL;
}

static void *
swap(void *context)
{
	struct crowd *crowd = context;
	for (int i = 0; i < SWAPS; i++) {
		uint64_t number = __atomic_add_fetch(&crowd->number, 1, __ATOMIC_RELAXED);
		object_free(crowd->width->swap(&crowd->place, object_new(number)));
		if (i % 64 == 0)
			sched_yield();
	}
	return NULL;
}

START_TEST(threads_take_and_drop_while_others_swap)
{
	struct crowd crowd = {.width = &widths[_i]};
	pthread_t taker[TAKERS], swapper[SWAPPERS];
	ck_assert_ptr_null(crowd.width->swap(&crowd.place, object_new(++crowd.number)));
	for (int i = 0; i < TAKERS; i++)
		ck_assert_int_eq(pthread_create(&taker[i], NULL, take_and_drop, &crowd), 0);
	for (int i = 0; i < SWAPPERS; i++)
		ck_assert_int_eq(pthread_create(&swapper[i], NULL, swap, &crowd), 0);
	for (int i = 0; i < SWAPPERS; i++)
		ck_assert_int_eq(pthread_join(swapper[i], NULL), 0);
	__atomic_store_n(&crowd.over, true, __ATOMIC_RELEASE);
	for (int i = 0; i < TAKERS; i++)
		ck_assert_int_eq(pthread_join(taker[i], NULL), 0);
	object_free(crowd.width->swap(&crowd.place, NULL));
	ck_assert_uint_gt(crowd.takes, 0);
	ck_assert_uint_eq(made, 2 * SWAPS + 1);
	all_gone();
}
END_TEST

/* Nothing is swapped: all that happens is that takes are moved over, by all at once. */
static void *
take_many(void *context)
{
	struct crowd *crowd = context;
	for (int i = 0; i < 200000; i++)
		object_number(crowd->width->take(&crowd->place));
	return NULL;
}

START_TEST(threads_move_takes_over_at_once)
{
	struct crowd crowd = {.width = &widths[_i]};
	struct pin *object = object_new(1);
	pthread_t taker[TAKERS];
	ck_assert_ptr_null(crowd.width->swap(&crowd.place, object));
	for (int i = 0; i < TAKERS; i++)
		ck_assert_int_eq(pthread_create(&taker[i], NULL, take_many, &crowd), 0);
	for (int i = 0; i < TAKERS; i++)
		ck_assert_int_eq(pthread_join(taker[i], NULL), 0);
	ck_assert_ptr_null(crowd.width->swap(&crowd.place, NULL));
	for (int i = 1; i < TAKERS * 200000; i++)
		NEED(!crowd.width->drop(object));
	ck_assert(crowd.width->drop(object));
	object_free(object);
}
END_TEST

static void
zero(void)
{
	made = freed = 0;
}

static Suite *
suite(void)
{
	Suite *made_suite = suite_create("pin");
	TCase *tcase = tcase_create("all");
	tcase_set_timeout(tcase, 240);
	tcase_add_checked_fixture(tcase, zero, NULL);
	tcase_add_loop_test(tcase, what_nobody_has_is_handed_back_by_the_swap, 0, WIDTHS);
	tcase_add_loop_test(tcase, the_last_drop_is_told_so, 0, WIDTHS);
	tcase_add_loop_test(tcase, an_object_that_never_stood_anywhere_goes_with_its_first_pin, 0, WIDTHS);
	tcase_add_loop_test(tcase, all_dropped_while_it_stands_is_not_the_end, 0, WIDTHS);
	tcase_add_loop_test(tcase, takes_beyond_the_count_are_kept, 0, WIDTHS);
	tcase_add_loop_test(tcase, threads_take_and_drop_while_others_swap, 0, WIDTHS);
	tcase_add_loop_test(tcase, threads_move_takes_over_at_once, 0, WIDTHS);
	suite_add_tcase(made_suite, tcase);
	return made_suite;
}

int
main(void)
{
	SRunner *runner = srunner_create(suite());
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
