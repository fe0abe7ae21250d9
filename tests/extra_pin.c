/* SPDX-License-Identifier: Apache-2.0 */
#define PIN_TAKEN_BITS 4
#define pin_init small_pin_init
#define pin_swap small_pin_swap
#define pin_take small_pin_take
#define pin_keep small_pin_keep
#define pin_drop small_pin_drop

#include "engine/pin.c"

_Static_assert(PIN_MOVE_AT == 8, "tests/extra_pin.h says so, too");
