/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One trial: a store put back, a reader that was there before, work while calls
 * fail, and then everything that must hold.
 *
 *   T1  done: the new state is there, for one who comes new too, and nothing of it waits for fsync
 *   T2  not done: a reason was given; the old state is there; the new one only if its record could
 *       not be cut away, or a new journal has its name and perhaps not for good. Never another. A short count is no reason,
 *       nor is one signal while bytes are read or written
 *   T3  the reader of before follows by store_refresh, and at any call of the work it saw one
 *       of the two
 *   T4  the faults are over: the same work, in the same process, is done
 *   T5  and so is another transaction after it; the reader sees it
 *   T6  then no temporary and no segment without a layer is left in the folder
 *   T7  and no descriptor, mapping or block of memory; the reader pays one load again
 *
 * Work that reads changes nothing and gives right answers or an error.
 */
#ifndef TESTS_FAULTS_TRIAL_H
#define TESTS_FAULTS_TRIAL_H

#include "tests/extra_faults.h"
#include "tests/faults_work.h"

enum trial_verdict {
	TRIAL_WELL,
	TRIAL_FALSE_ACK,  /* T1 */
	TRIAL_STATE,      /* T2, T3: a mixture, a third state, a store that does not open */
	TRIAL_ANSWER,     /* a wrong answer, or output that is not all and an exit status of success */
	TRIAL_SILENT,     /* T2: no reason */
	TRIAL_SOFT,       /* T2: for a short count or one signal */
	TRIAL_STUCK,      /* T4, T5 */
	TRIAL_LEFT,       /* T6 */
	TRIAL_LEAK,       /* T7 */
	TRIAL_CRASH,
	TRIAL_HANG,
	TRIAL_VERDICTS
};

extern const char *const trial_words[TRIAL_VERDICTS];

struct trial {
	struct world *world;
	struct faults_plan plan;         /* of the work */
	struct faults_plan again;        /* of the work done again, if .what != 0 */
	/* --- what came of it --- */
	enum trial_verdict verdict;
	unsigned struck;                 /* injections: 0, 1, or 2 with `again` */
	struct faults_plan at_hand;      /* the plan of this report */
	struct faults_report report;
	bool done;                       /* in spite of the failure */
	bool late;                       /* the work was done before: it has nothing left to do, and says so */
	long judy;                       /* blocks that libJudy lost: known, and not ours to mend */
	char text[1024];                 /* what is wrong */
};

/* Once a world, before its trials: the work without faults. False: it is not as the ledger says. */
bool
trial_prepare(struct trial *trial);
void
trial_run(struct trial *trial);
/* Calls of the work that can give the error. */
long
trial_calls(struct world *world, unsigned what, int error);

#endif
