/* SPDX-License-Identifier: Apache-2.0 */
/* Where a campaign of power losses works: in memory if there is /dev/shm, else below build/tmp. */
#ifndef TESTS_POWER_PLACES_H
#define TESTS_POWER_PLACES_H

#include "tests/power_log.h"

struct power_places {
	char base[POWER_PATH_BYTES];  /* all that follow are in it */
	char live[POWER_PATH_BYTES];  /* what is recorded */
	char state[POWER_PATH_BYTES]; /* what is found after a power loss */
	char again[POWER_PATH_BYTES]; /* and after one in the recovery from it */
	char cache[POWER_PATH_BYTES]; /* large files that do not change */
};

/* Made empty; removed when the program ends. What killed ones left is removed, too. */
void
power_places_make(struct power_places *places);

#endif
