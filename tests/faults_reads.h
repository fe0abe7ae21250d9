/* SPDX-License-Identifier: Apache-2.0 */
/* Work of readers, over the stores of make_layers (and what write_few adds). A wrong answer: STATUS_COUNT. */
#ifndef TESTS_FAULTS_READS_H
#define TESTS_FAULTS_READS_H

#include "tests/faults_work.h"

struct said
said_of(enum status status, const struct fault *fault);

struct said
run_open(struct world *world);
struct said
run_refresh(struct world *world);
struct said
run_lookups(struct world *world);
struct said
run_api(struct world *world);

#endif
