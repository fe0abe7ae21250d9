/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store (docs/store.md): a writer (W1-W7, N1-N3), readers (R1-R4), who compacts (C1-C5), and a
 * fate that kills writer and compactor before any step, takes the power away, lets an fsync fail
 * and drops what it could not write. Pins (T1, D1, R5) are in pin.pml.
 *
 * Two keys hold the number of the last transaction that set them. A layer has a value for some of
 * them (0: none), a record names a base and two overlays, the upper wins. Layers are inline or files.
 *
 * What must hold:
 *   S1  a generation has one content, that of the transactions up to it: no view mixes two
 *   S2  who begins to read after a transaction was acknowledged, finds it; power loss or not
 *   S3  who finds a layer missing finds another record when he looks again (so he ends)
 *   S4  the journal always has a good record, and its layers are there, whole, for who holds LOCK
 *   S5  who is told "as before" by GENERATION is not older than what was told there before
 *   S6  all come to their ends
 *
 * tests/model/run gives the mistakes that are planted (-DMISTAKE_...), each of which must break one.
 */
#ifndef READERS
#define READERS 3
#endif
#ifndef ROUNDS
#define ROUNDS 1 /* of each reader */
#endif
#ifndef TXNS
#define TXNS 2
#endif
#ifndef COMPACTIONS
#define COMPACTIONS 0
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef POWERS
#define POWERS 0
#endif
#ifndef ERRORS
#define ERRORS 0
#endif
#ifndef RECORDS
#define RECORDS 2 /* in a journal, at most */
#endif
#define JOURNALS (3 + TXNS / 2 + COMPACTIONS + 2 * KILLS + 2 * POWERS + 2 * ERRORS)
#define LAYERS (3 + TXNS + COMPACTIONS)
#define GENERATIONS (3 + TXNS + COMPACTIONS + 3 * (KILLS + POWERS + ERRORS))

/* --- disk: as processes see it, and (_d) what would be left without power -------------- */

byte journal = 0, journal_d = 0;          /* the journal that is named JOURNAL */
byte made = 1;                            /* journals */
byte count[JOURNALS], synced[JOURNALS];   /* good records: seen, and on the disk */
bit tail[JOURNALS];                       /* bytes without a good sum behind them */
bit failed[JOURNALS];                     /* what is not on the disk will never be */
byte generation[JOURNALS * RECORDS], base[JOURNALS * RECORDS];
byte lower[JOURNALS * RECORDS], upper[JOURNALS * RECORDS];

byte layers = 3;                          /* made */
byte zero[LAYERS], one[LAYERS];           /* the values of the two keys */
bit file[LAYERS], name[LAYERS], name_d[LAYERS], data_d[LAYERS], broken[LAYERS];

byte hint = 1;                            /* GENERATION; UNSURE + n: see N1 and W4 */
#define UNSURE 100
byte lock;                                /* LOCK: 0, WRITER or COMPACTOR */
#define WRITER 1
#define COMPACTOR 2

/* --- what is true ------------------------------------------------------------------------ */

bit known[GENERATIONS];
byte true_zero[GENERATIONS], true_one[GENERATIONS];
byte acknowledged = 1, told = 1;          /* told: by W5 */

byte transaction = 1, started;
bit dead_writer, dead_compactor, dead_reader[READERS];
byte working = 1 + (COMPACTIONS > 0);
byte kills = KILLS, powers = POWERS, errors = ERRORS;

#if defined MISTAKE_NO_RECOVERY
#define MUST_RECOVER false
#elif defined MISTAKE_TAIL_IGNORED
#define MUST_RECOVER (gen != hint)
#else
#define MUST_RECOVER (gen != hint || tail[j])
#endif
#define AT(j, i) ((j) * RECORDS + (i))
#define TOP(key, b, l, u) (key[u] -> key[u] : (key[l] -> key[l] : key[b]))
#define GOOD(layer) (!file[layer] || (name[layer] && !broken[layer]))

/* Generation `to` comes after `from` and sets `key` (0, 1; 2: none) to `value`. S1 */
inline truth(to, from, key, value, b, l, u)
{
	x_zero = (key == 0 -> value : true_zero[from]);
	x_one = (key == 1 -> value : true_one[from]);
	assert(TOP(zero, b, l, u) == x_zero && TOP(one, b, l, u) == x_one);
	assert(!known[to] || (true_zero[to] == x_zero && true_one[to] == x_one));
	known[to] = 1;
	true_zero[to] = x_zero;
	true_one[to] = x_one;
	x_zero = 0;
	x_one = 0
}

inline record_put(j, g, b, l, u)
{
	generation[AT(j, count[j])] = g;
	base[AT(j, count[j])] = b;
	lower[AT(j, count[j])] = l;
	upper[AT(j, count[j])] = u;
	count[j]++
}

/* Makes durable whatever happened to names */
#if POWERS == 0
#define directory_sync() skip
#else
inline directory_sync()
{
	d_step {
		journal_d = journal;
		for (x : 1 .. LAYERS - 1) { name_d[x] = name[x] }
		x = 0
	}
}
#endif

/* --- the writer's steps, for writer and compactor ------------------------------------------ */

/* N1 to N3, with the state in nb, nl, nu; `lost` if an fsync failed */
inline new_journal(g, key, value)
{
#ifndef MISTAKE_HINT_KEPT
#ifdef MISTAKE_NUMBER_FORGOTTEN
	hint = UNSURE;
#else
	hint = UNSURE + g;
#endif
#endif
	d_step {
		j = made;
		made++;
		record_put(j, g, nb, nl, nu)
	}
#ifndef MISTAKE_JOURNAL_NOT_SYNCED
	synced[j] = 1;
#endif
	d_step { journal = j; truth(g, gen, key, value, nb, nl, nu) }
#ifndef MISTAKE_RENAME_NOT_SYNCED
	if
	:: directory_sync()
	:: atomic { errors > 0 -> errors--; lost = 1 }
	fi;
#endif
	d_step {
		if
		:: !lost && g > acknowledged -> acknowledged = g
		:: else
		fi
	}
}

/*
 * W4 failed. First the number is taken out of use, so that the next writer recovers, whatever he finds, and
 * no other state has it; then the record is cut away, if that can be done. (The few instructions between a
 * failed fsync and this store are taken as one.)
 */
inline cut_back()
{
#if defined MISTAKE_CUT_FIRST
	skip;
#elif defined MISTAKE_CUT_BELIEVED
	hint = next;
#else
	hint = UNSURE + next;
#endif
	if
	:: d_step {
		failed[j] = 0;
		if
		:: count[j] > kept -> count[j] = kept
		:: else
		fi
	   }
	:: atomic { errors > 0 -> errors-- }
	fi;
#ifdef MISTAKE_CUT_FIRST
	hint = UNSURE + next;
#endif
	lost = 1
}

inline remove_garbage()
{
	d_step {
		for (x : 1 .. LAYERS - 1) {
			if
			:: x != ob && x != ol && x != ou -> name[x] = 0
			:: else
			fi
		}
		x = 0
	}
}

/* W1 after the lock was taken. A new generation if another state may have had the number. */
inline begin(who)
{
	d_step {
		lock == 0 -> lock = who;
		j = journal;
		assert(count[j] > 0);                                       /* S4 */
		gen = generation[AT(j, count[j] - 1)];
		ob = base[AT(j, count[j] - 1)];
		ol = lower[AT(j, count[j] - 1)];
		ou = upper[AT(j, count[j] - 1)];
		assert(GOOD(ob) && GOOD(ol) && GOOD(ou));                   /* S4 */
		assert(gen >= acknowledged);                                /* S2 */
		nb = ob; nl = ol; nu = ou;
		key = 2; value = 0;
		unsure = MUST_RECOVER;
		ahead = hint % UNSURE > gen
	}
#ifdef MISTAKE_GARBAGE_FIRST
	remove_garbage();
#endif
	if
	:: unsure ->
#ifdef MISTAKE_NUMBER_REUSED
		next = gen;
#else
		next = (ahead -> hint % UNSURE + 1 : gen);
#endif
		new_journal(next, 2, 0);
		if
		:: lost
		:: else -> d_step { gen = next; hint = next; told = next }
		fi
	:: !unsure
	fi;
	skip;
#ifndef MISTAKE_GARBAGE_FIRST
	if
	:: lost
	:: else -> remove_garbage()
	fi
#endif
	skip
}

inline unlink_old(old, layer)
{
	if
	:: old -> name[layer] = 0
	:: !old
	fi
}

#define RETIRED(layer) (file[layer] && layer != nb && layer != nl && layer != nu)

inline unlink_all()
{
	d_step { old_b = RETIRED(ob); old_l = RETIRED(ol); old_u = RETIRED(ou) }
	unlink_old(old_b, ob);
	unlink_old(old_l, ol);
	unlink_old(old_u, ou)
}

/* W3 to W6, for the state in nb, nl, nu */
inline publish()
{
	next = gen + 1;
#ifdef MISTAKE_UNLINK_FIRST
	unlink_all();
#endif
	if
	:: count[j] == RECORDS -> new_journal(next, key, value)
	:: else ->
#ifdef MISTAKE_TAIL_IGNORED
		dirty = tail[j];
#endif
		kept = count[j];
		tail[j] = 1;                                                /* W3, half done */
		d_step {
			record_put(j, next, nb, nl, nu);
#ifdef MISTAKE_TAIL_IGNORED
			/* behind bytes that no reader walks over */
			if
			:: dirty -> count[j]--
			:: else -> tail[j] = 0; truth(next, gen, key, value, nb, nl, nu)
			fi
#else
			tail[j] = 0;
			truth(next, gen, key, value, nb, nl, nu)
#endif
		}
#ifdef MISTAKE_HINT_FIRST
		hint = next;
#endif
#ifdef MISTAKE_UNLINK_BEFORE_SYNC
		unlink_all();
#endif
		if                                                          /* W4 */
		:: d_step {
#ifndef MISTAKE_NOT_SYNCED
			if
			:: !failed[j] -> synced[j] = count[j]
			:: else
			fi;
#endif
			acknowledged = next
		   }
		:: atomic { errors > 0 -> errors--; failed[j] = 1 };
#ifdef MISTAKE_SYNC_RETRIED
		   acknowledged = next
#else
		   cut_back()
#endif
		fi
	fi;
	if
	:: lost
	:: else ->
		d_step { hint = next; told = next };                        /* W5 */
		unlink_all()                                                /* W6 */
	fi
}

/* W2: the temporary file, its fsync, its name, the fsync of the directory */
inline name_layer(layer)
{
#if POWERS > 0 && !defined MISTAKE_LAYER_NOT_SYNCED
	data_d[layer] = 1;
#endif
	name[layer] = 1;
#ifndef MISTAKE_NAME_NOT_SYNCED
	directory_sync()
#else
	skip
#endif
}

/* The transaction's own layer; on a full stack both overlays and it become one. */
inline new_layer()
{
	d_step {
		key = mine % 2;
		value = mine;
		new = layers;
		layers++;
		if
		:: ou != 0 ->
			zero[new] = (key == 0 -> value : (zero[ou] -> zero[ou] : zero[ol]));
			one[new] = (key == 1 -> value : (one[ou] -> one[ou] : one[ol]));
			nl = new;
			nu = 0
		:: else ->
			zero[new] = (key == 0 -> value : 0);
			one[new] = (key == 1 -> value : 0);
			if
			:: ol == 0 -> nl = new
			:: else -> nu = new
			fi
		fi
	}
	if
#if READERS == 1
	:: true                                                             /* small: inline */
#endif
	:: file[new] = 1; name_layer(new)
	fi
}

inline forget()
{
	j = 0; gen = 0; next = 0; ob = 0; ol = 0; ou = 0; nb = 0; nl = 0; nu = 0; new = 0;
	key = 0; value = 0; mine = 0; kept = 0; x = 0; unsure = 0; ahead = 0; lost = 0; dirty = 0;
	old_b = 0; old_l = 0; old_u = 0
}

proctype writer()
{
	byte j, gen, next, ob, ol, ou, nb, nl, nu, new, key, value, mine, kept, x, x_zero, x_one;
	bit unsure, ahead, lost, dirty, old_b, old_l, old_u;
again:
	{
		do
		:: transaction <= TXNS ->
			begin(WRITER);
			d_step { mine = transaction; transaction++ }
			if
			:: lost
			:: else ->
				new_layer();
				publish()
			fi;
			d_step { forget(); lock = 0 }                       /* W7 */
		:: else -> break
		od
	} unless {
		d_step {
			dead_writer -> dead_writer = 0;
			forget();
			if
			:: lock == WRITER -> lock = 0
			:: else
			fi
		}
		goto again
	};
	working--
}

/* One fold at a time; a killed one begins anew. */
proctype compactor()
{
	byte j, gen, next, ob, ol, ou, nb, nl, nu, new, key, value, mine, kept, x, x_zero, x_one;
	byte vb, vl, vu, left = COMPACTIONS;
	bit unsure, ahead, lost, dirty, old_b, old_l, old_u;
again:
	{
		do
		:: left > 0 ->
			left--;
#ifdef MISTAKE_FOLDED_UNACKNOWLEDGED
			d_step {
				j = journal;
				ob = base[AT(j, count[j] - 1)];
				ol = lower[AT(j, count[j] - 1)];
				ou = upper[AT(j, count[j] - 1)]
			}
#else
			begin(COMPACTOR);                                   /* C1: V, acknowledged */
#endif
			d_step {
				vb = ob;
				vl = ol;
				vu = ou;
				if
				:: lock == COMPACTOR -> lock = 0
				:: else
				fi
			}
			if
			:: lost
			:: else ->
				d_step {                                    /* C2 */
					new = layers;
					layers++;
					zero[new] = TOP(zero, vb, vl, vu);
					one[new] = TOP(one, vb, vl, vu);
					file[new] = 1
				}
				begin(COMPACTOR)                            /* C3 */
			fi;
			if
			:: ob != vb || lost
			:: else ->
				name_layer(new);                            /* C2, C4 */
				d_step {                                    /* C5 */
					nb = new;
#ifdef MISTAKE_NEWER_LOST
					nl = 0;
					nu = 0;
#else
					if
					:: nl == vl || nl == vu -> nl = nu; nu = 0
					:: else
					fi;
					if
					:: nl == vl || nl == vu -> nl = 0
					:: else
					fi;
#ifdef MISTAKE_BASE_ON_TOP
					if
					:: nl != 0 && nu == 0 -> nu = new
					:: else
					fi
#endif
#endif
				}
				publish()
			fi;
			d_step {
				forget();
				vb = 0; vl = 0; vu = 0;
				if
				:: lock == COMPACTOR -> lock = 0
				:: else
				fi
			}
		:: else -> break
		od
	} unless {
		d_step {
			dead_compactor -> dead_compactor = 0;
			forget();
			vb = 0; vl = 0; vu = 0;
			if
			:: lock == COMPACTOR -> lock = 0
			:: else
			fi
		}
		goto again
	};
	working--
}

/* --- readers ------------------------------------------------------------------------------- */

#define MAPPED(layer) (!file[layer] || layer == vb || layer == vl || layer == vu)

/* R3 for one layer, if it is neither inline nor mapped already */
inline open_layer(wanted, layer)
{
	if
	:: !wanted
	:: wanted && GOOD(layer)
	:: wanted && !GOOD(layer) -> missing = 1
	fi
}

#define AS_BEFORE (gen != 0 && seen == c)

inline close_all()
{
	j = 0; n = 0; c = 0; at = 0; start = 0; old_j = 0; old_n = 0;
	missing = 0; same = 0; want_b = 0; want_l = 0; want_u = 0
}

/* R2 to R4, until all layers are there */
inline load()
{
	do
	:: d_step {                                                         /* R2 */
			start = acknowledged;
			j = journal;
			started = started + (started == self)
		};
		d_step {
			n = count[j];
			assert(n > 0);                                      /* S4 */
			at = AT(j, n - 1);
			assert(!missing || j != old_j || n != old_n);       /* S3 */
			old_j = j;
			old_n = n;
			missing = 0;
			want_b = !MAPPED(base[at]);
			want_l = !MAPPED(lower[at]);
			want_u = !MAPPED(upper[at])
		}
		open_layer(want_b, base[at]);                               /* R3 */
		open_layer(want_l, lower[at]);
		open_layer(want_u, upper[at]);
		if
		:: !missing -> break
		:: else
		fi
	od;
	skip;
#ifdef MISTAKE_HINT_READ_LATE
	c = hint;
#endif
	d_step {                                                            /* R4 */
#ifdef MISTAKE_ID_NOT_COMPARED
		if
		:: n <= known_n && j != known_j
		:: else ->
#endif
		gen = generation[at];
		vb = base[at];
		vl = lower[at];
		vu = upper[at];
#ifdef MISTAKE_ID_NOT_COMPARED
		known_n = n;
		known_j = j
		fi;
#endif
		assert(gen >= start);                                       /* S2 */
		assert(known[gen]);
		assert(TOP(zero, vb, vl, vu) == true_zero[gen]);            /* S1 */
		assert(TOP(one, vb, vl, vu) == true_one[gen]);
		seen = c;
		close_all();
		rounds--;
#if READERS > 1
		gen = 0; seen = 0; vb = 0; vl = 0; vu = 0
#endif
	}
}

/*
 * Several readers, who are all alike, begin in order. One by himself goes his last round when the
 * others are done.
 */
#if READERS > 1
#define READY (rounds > 0 && started >= self)
#else
#define READY (rounds > 1 || (rounds == 1 && working == 0))
#endif

proctype reader(byte self)
{
	byte j, n, c, at, old_j, old_n, seen, gen, vb, vl, vu, start, rounds = ROUNDS;
	bit missing, same, want_b, want_l, want_u;
#ifdef MISTAKE_ID_NOT_COMPARED
	byte known_j, known_n;
#endif
again:
	{
		do
		:: READY ->
#if READERS > 1
			load()
#else
			d_step {                                            /* R1 */
				c = hint;
				same = AS_BEFORE;
				assert(!same || gen >= told)                /* S5 */
			}
			if
			:: same -> d_step { close_all(); rounds-- }
			:: else -> load()
			fi
#endif
		:: rounds == 0 -> break
		od
	} unless {
		d_step {
			dead_reader[self] -> dead_reader[self] = 0;
			close_all();
			gen = 0; seen = 0; vb = 0; vl = 0; vu = 0
		}
		goto again
	}
}

/* --- fate -------------------------------------------------------------------------------------- */

/* What was not synced, each by itself, is there or not. */
inline power_loss()
{
	dead_writer = 1;
	dead_compactor = (COMPACTIONS > 0);
	for (x : 0 .. READERS - 1) { dead_reader[x] = 1 }
	if
	:: journal = journal_d
	:: journal_d = journal
	fi;
	for (x : 1 .. LAYERS - 1) {
		if
		:: name[x] == name_d[x]
		:: name[x] != name_d[x] -> name[x] = name_d[x]
		:: name[x] != name_d[x] -> name_d[x] = name[x]
		fi;
		if
		:: name[x] && data_d[x]
		:: name[x] && !data_d[x] -> broken[x] = 1
		:: !name[x]
		fi
	}
	do
	:: count[journal] > synced[journal] -> count[journal]--; tail[journal] = 1
	:: !failed[journal] || count[journal] == synced[journal] -> break
	od;
	if
	:: true
	:: tail[journal] = 0
	fi;
	synced[journal] = count[journal];
	failed[journal] = 0;
	if                                                                  /* what it was at any time */
	:: true
	:: hint = told
	:: hint = told - 1
	:: hint = UNSURE + told
	fi;
	assert(count[journal] > 0);                                         /* S4 */
	for (x : 0 .. GENERATIONS - 1) {
		if
		:: x > generation[AT(journal, count[journal] - 1)] -> known[x] = 0
		:: else
		fi
	}
	x = 0
}

proctype fate()
{
	byte x;
end:
	do
	:: atomic { kills > 0 && lock == WRITER && !dead_writer -> kills--; dead_writer = 1 }
	:: atomic { kills > 0 && lock == COMPACTOR && !dead_compactor -> kills--; dead_compactor = 1 }
#if ERRORS > 0
	/* killed before W4, and what he wrote cannot be written */
	:: atomic {
		kills > 0 && errors > 0 && lock == WRITER && !dead_writer && count[journal] > synced[journal] ->
		kills--;
		errors--;
		failed[journal] = 1;
		dead_writer = 1
	   }
#endif
#if POWERS > 0
	:: atomic { powers > 0 -> powers--; power_loss() }
#endif
#if ERRORS > 0
	/*
	 * After a failed fsync the kernel may drop the pages, and read what is on the disk. Not before the
	 * writer had the time to say so in GENERATION.
	 */
	:: d_step {
		failed[journal] && count[journal] > synced[journal] &&
		hint >= generation[AT(journal, count[journal] - 1)] ->
		count[journal] = synced[journal];
		failed[journal] = 0
	   }
#endif
	od
}

init {
	byte i;
	d_step {
		generation[0] = 1; base[0] = 1; lower[0] = 2; count[0] = 1; synced[0] = 1;
		for (i : 1 .. 2) { file[i] = 1; name[i] = 1; name_d[i] = 1; data_d[i] = 1 }
		zero[1] = 8; one[1] = 8; one[2] = 9;
		known[1] = 1; true_zero[1] = 8; true_one[1] = 9;
		i = 0
	}
	atomic {
		run writer();
#if COMPACTIONS > 0
		run compactor();
#endif
		for (i : 0 .. READERS - 1) { run reader(i) }
		run fate()
	}
}
