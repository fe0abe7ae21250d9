/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pins (engine/pin.h): T1, D1, R4, R5 of docs/store.md and the moving of takes, by threads of one
 * process. One statement here is one atomic instruction there; a thread may stop for ever before
 * any of them (STOPS of them do).
 *
 * What must hold:
 *   P1  what a thread holds is not freed
 *   P2  nothing is freed twice, or while the place has it
 *   P3  when all is dropped and the place is empty, everything is freed; a thread that stopped
 *       keeps one object at most
 *   P4  the count of takes in the word never overflows
 *   P5  nobody waits: whoever does not stop himself comes to his end, the others being wherever
 *
 * tests/model/run gives the mistakes that are planted (-DMISTAKE_...), each of which must break one.
 */
#ifndef TAKERS
#define TAKERS 3
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef SWAPPERS
#define SWAPPERS 1
#endif
#ifndef SWAPS
#define SWAPS 2 /* of each swapper */
#endif
#ifndef STOPS
#define STOPS 0
#endif
#ifndef MOVE_AT
#define MOVE_AT 3
#endif
#define ROOM (2 * MOVE_AT - 1) /* the largest count that the word can hold */
#define OBJECTS (SWAPPERS * SWAPS + 2)
#define STANDS 64

#ifdef MISTAKE_ADDRESS_NOT_COMPARED
#define SAME true
#else
#define SAME (word_place == object)
#endif

byte place = 1, taken;     /* the word, exchanged and compared as one */
short count[OBJECTS];      /* 0 is no object */
byte pins[OBJECTS];        /* what is really held */
bit alive[OBJECTS];
byte taking = TAKERS, swapping = SWAPPERS, stops = STOPS;

/* Who stops here stops for ever; what he holds stays held. */
#if STOPS == 0
#define maybe_stop() skip
#else
inline maybe_stop()
{
	if
	:: true
	:: atomic { stops > 0 -> stops--; goto stopped }
	fi
}
#endif

inline release(object)
{
	d_step {
		assert(alive[object]);                  /* P2 */
		assert(pins[object] == 0);               /* P1 */
		assert(place != object);                 /* P2 */
		alive[object] = 0
	}
}

/* T1 and what it may have to do for the count */
inline take()
{
	d_step {
		assert(taken < ROOM);                    /* P4 */
		taken++;
		object = place; word_place = place; word_taken = taken;
		pins[object]++;
		assert(alive[object])                   /* P1 */
	}
	maybe_stop();
	do
	:: word_taken < MOVE_AT -> break
	:: !SAME -> break
	:: word_taken >= MOVE_AT && SAME ->
#ifdef MISTAKE_NEVER_MOVED
		break;
#endif
		moved = word_taken;
#ifndef MISTAKE_TAKEN_OUT_FIRST
		d_step { assert(alive[object]); count[object] = count[object] + moved }
		maybe_stop();
#endif
		d_step {
			if
			:: word_place == place && word_taken == taken ->
				taken = taken - moved; done = 1
			:: else ->
				word_place = place; word_taken = taken; done = 0
			fi
		}
		maybe_stop();
#ifdef MISTAKE_TAKEN_OUT_FIRST
		if
		:: done -> d_step { assert(alive[object]); count[object] = count[object] + moved }; break
		:: else
		fi
#else
		if
		:: done -> break
		:: else ->
#ifndef MISTAKE_NOT_TAKEN_BACK
			d_step {
				assert(alive[object]);
				count[object] = count[object] - moved;
				assert(count[object] > 0)
			}
#endif
#ifdef MISTAKE_TRIES_ONCE
			break
#endif
		fi
#endif
	od;
	skip /* a d_step is no target of a break */
}

/* D1 */
inline drop()
{
	d_step {
		assert(alive[object]);                  /* P1 */
		pins[object]--;
		count[object]--;
		last = count[object] == 0
	}
	maybe_stop();
	if
	:: last -> release(object)
	:: else
	fi
}

proctype taker()
{
	byte object, word_place, word_taken, moved, rounds = ROUNDS;
	bit done, last;
	do
	:: rounds > 0 ->
		take();
		d_step {
			assert(alive[object]);          /* P1 */
			word_place = 0; word_taken = 0; moved = 0; done = 0;
			rounds--;
			if
			:: rounds == 0 -> taking--
			:: else
			fi
		}
		maybe_stop();
		drop();
		d_step { object = 0; last = 0 }
	:: else -> break
	od;
	goto over;
stopped:
	if
	:: rounds > 0 -> taking--
	:: else
	fi;
over:
	skip
}

/* R4 and R5 */
inline swap(fresh)
{
	d_step {
		old = place; word_taken = taken;
		place = fresh; taken = 0
	}
	maybe_stop();
	d_step {
#ifdef MISTAKE_TAKEN_FORGOTTEN
		word_taken = 0;
#endif
#ifdef MISTAKE_NO_BIAS
		count[old] = count[old] + word_taken - 1;
#else
		count[old] = count[old] + word_taken - STANDS;
#endif
		last = count[old] == 0
	}
	maybe_stop();
	if
	:: last -> release(old)
	:: else
	fi
}

inline put_up(object)
{
	d_step {
		alive[object] = 1;
#ifdef MISTAKE_NO_BIAS
		count[object] = 1
#else
		count[object] = STANDS
#endif
	}
}

proctype swapper(byte first)
{
	byte old, word_taken, next = first;
	bit last;
	do
	:: next < first + SWAPS ->
		put_up(next);
		maybe_stop();
		swap(next);
		d_step { next++; old = 0; word_taken = 0; last = 0 }
	:: else -> break
	od;
stopped:
	swapping--
}

/* The store is closed when nobody takes any more; some may still hold what they took. */
init {
	byte old, word_taken, i;
	bit last;
	atomic {
		put_up(1);
		for (i : 1 .. TAKERS) { run taker() }
		for (i : 0 .. SWAPPERS - 1) { run swapper(2 + i * SWAPS) }
	}
	taking == 0 && swapping == 0;
	swap(0);
stopped:
	_nr_pr == 1;
	d_step {
		/* P3; one that stopped keeps one object at most */
		word_taken = 0;
		for (i : 1 .. OBJECTS - 1) { word_taken = word_taken + alive[i] }
		assert(word_taken <= STOPS - stops)
	}
}
