/* SPDX-License-Identifier: Apache-2.0 */
/* engine/pin.c once more under other names, with a count of takes that is soon full. */
#ifndef TESTS_EXTRA_PIN_H
#define TESTS_EXTRA_PIN_H

#include "engine/pin.h"

#define SMALL_PIN_MOVE_AT 8u

struct pin *
small_pin_swap(struct pin_place *place, struct pin *fresh);
struct pin *
small_pin_take(struct pin_place *place);
void
small_pin_keep(struct pin *pin);
bool
small_pin_drop(struct pin *pin);

#endif
