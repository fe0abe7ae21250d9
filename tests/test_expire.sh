#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Expiry from outside: expire, stats, and clocks at odd moments. REPUTE is the binary. Ends with
# `N passed, N failed`.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
repute=$(realpath "${REPUTE:-build/repute}")
unset REPUTE_STORE
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit
passed=0 failed=0
now=2026-01-01T00:00:00Z

# expect NAME STATUS OUTPUT COMMAND...: exact standard output and exit status
expect() {
	local name=$1 status=$2 output=$3 got code
	shift 3
	got=$("$@" 2>errors)
	code=$?
	if [ "$code" -eq "$status" ] && [ "$got" = "$output" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf '%s\n' "$name: status $code, expected $status" '--- got' "$got" \
			'--- expected' "$output" '--- errors' "$(head -c 600 errors)"
	fi
}
state() { [ ! -e s ] || (cd s && sha256sum JOURNAL segment-* 2>/dev/null); }
# refuse NAME PATTERN COMMAND...: status 2, the reason on standard error, and the store as it was
refuse() {
	local name=$1 pattern=$2 before code
	shift 2
	before=$(state)
	"$@" >/dev/null 2>errors
	code=$?
	if [ "$code" -eq 2 ] && grep -qF -- "$pattern" errors && [ "$before" = "$(state)" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf '%s\n' "$name: status $code, expected 2 and '$pattern'" "$(head -c 600 errors)"
	fi
}
at() { "$repute" --store s --now "$now" "$@"; }
fresh() { rm -rf s; }
quiet() { "$@" >/dev/null; }
# field NAME COMMAND...: a number or text of its JSON
field() {
	local name=$1
	shift
	"$@" --json | sed "s/.*\"$name\":\"\{0,1\}\([^,\"}]*\).*/\1/"
}
live() { at list --json | grep -c key; }
held() { at list --expired --json | grep -c key; }

# ---- expire ------------------------------------------------------------------------

refuse 'no store' 'there is no store' at expire
expect 'which makes none' 1 '' test -e s
at add -q --ttl 1h a.example
at add -q --ttl 1d b.example 192.0.2.0/24 http://c.example/x
at add -q --ttl 1d --source feed a.example --scope tree
at add -q d.example
expect 'nothing has expired' 1 'expired: removed 0; generation 4' at expire
now=2026-01-01T01:00:00Z
before=$(at list --json)
expect 'to the second: by look-up' 0 5 live
expect 'by the sweep' 0 '{"removed":1,"generation":5}' at expire --json
expect 'no answer changed' 0 "$before" at list --json
now=2026-01-01T23:59:59Z
expect 'a second before' 1 '{"removed":0,"generation":5}' at expire --json
now=2026-01-02T00:00:00Z
expect 'five are held, one lives' 0 '5 1' bash -c "echo \$('$repute' --store s --now $now list --expired --json | wc -l) \$('$repute' --store s --now $now list --json | wc -l)"
bytes=$(field bytes at stats)
expect 'all of them' 0 'expired: removed 4; generation 6' at expire --compact
expect 'one layer' 0 1 field layers at stats
expect 'less room' 0 '' test "$(field bytes at stats)" -lt "$bytes"
expect 'one is left' 0 1 held
expect 'the store is whole' 0 '' quiet at verify
expect 'again' 1 '' at expire -q
expect 'a clock that goes backwards brings nothing back' 1 '' bash -c "
	'$repute' --store s --now 2025-12-31T00:00:00Z lookup -q a.example b.example | grep -q feed"
refuse 'no operands' 'takes no value' at expire x
at add -q --ttl 1 e.example
flock s/LOCK sleep 2 &
holder=$!
sleep 0.2
expect 'nothing to do needs no lock' 1 'expired: removed 0; generation 7' at expire
now=2026-01-02T00:00:01Z
refuse 'another writer' 'another' at expire
expect 'or wait' 0 'expired: removed 1; generation 8' at expire --wait
wait "$holder"

# ---- again and again -------------------------------------------------------------------

refuse 'rounds of what' '--every' at expire --rounds 2
refuse 'no pause' 'no time to live' at expire --every 0
refuse 'no number' 'not a number' at expire --every 1s --rounds 0
refuse 'not a number' 'not a number' at expire --every 1s --rounds 2x
real() { "$repute" --store r "$@"; }
real add -q --ttl 2s a.example b.example
real add -q --ttl 1h c.example
expect 'each round at its own time' 0 'expired: removed 2; generation 3' real expire --every 1s --rounds 5
expect 'one is left' 0 1 bash -c "'$repute' --store r list --expired --json | wc -l"
expect 'nothing in any round' 1 '' real expire --every 1s --rounds 2
expect 'time stands still with --now' 1 '' real --now 2020-01-01 expire --every 1s --rounds 2
expect 'quiet' 0 '' real --now 2100-01-01 expire --every 1s --rounds 1 -q
expect 'no store yet: told, and tried again' 2 '2' bash -c "
	'$repute' --store none expire --every 1s --rounds 2 2>&1 | grep -c 'no store'; exit \${PIPESTATUS[0]}"
# signal NAME: it sleeps for an hour and ends at once, with status 0
signal() {
	local child code begin=$SECONDS
	"$repute" --store r expire --every 1h &
	child=$!
	sleep 0.5
	kill -"$1" "$child"
	wait "$child"
	code=$?
	[ "$code" -eq 0 ] && [ $((SECONDS - begin)) -lt 20 ]
}
set -m
expect 'SIGTERM ends it' 0 '' signal TERM
expect 'SIGINT ends it' 0 '' signal INT
set +m
# waits for the writer who holds the lock, and a signal ends that too
blocked() {
	local child code
	real add -q --ttl 1s late.example
	sleep 1.1
	flock r/LOCK sleep 4 &
	sleep 0.3
	"$repute" --store r expire --every 1h &
	child=$!
	sleep 0.7
	kill -0 "$child" || return 90
	kill -TERM "$child"
	wait "$child"
	code=$?
	wait
	return "$code"
}
set -m
expect 'waiting for a writer' 0 '' blocked
set +m
expect 'and the next one does it' 0 'expired: removed 1; generation 6' real expire

# ---- stats ---------------------------------------------------------------------------

fresh
now=2026-01-01T00:00:00Z
refuse 'stats of no store' 'there is no store' at stats
at source set feed --ttl 20d
for ttl in 1 1d 86401 7d 604801 30d 2592001; do
	at add -q --ttl $ttl "t$ttl.example"
done
at add -q --source other u.example
echo v.example | at import -q --source feed -
due() { at stats --json | sed 's/.*"expiry":{\([^}]*\)}.*/\1/'; }
expect 'by when they expire' 0 \
	'"expired":0,"day":2,"week":2,"month":3,"later":2,"next":"2026-01-01T00:00:01Z"' due
now=2026-01-01T00:00:01Z
expect 'one has' 0 \
	'"expired":1,"day":2,"week":2,"month":3,"later":1,"next":"2026-01-02T00:00:00Z"' due
now=9999-12-31T23:59:59Z
expect 'all have' 0 '"expired":9,"day":0,"week":0,"month":0,"later":0,"next":null' due
now=2026-01-01T00:00:00Z
expect 'each source' 0 '"sources":[{"name":"feed","claims":1,"expired":0,"last_import":"2026-01-01T00:00:00Z"},{"name":"other","claims":1,"expired":0,"last_import":null},{"name":"user","claims":7,"expired":0,"last_import":null}]}' \
	bash -c "'$repute' --store s --now $now stats --json | sed 's/.*\(\"sources\"\)/\1/'"
expect 'entries and claims' 0 '9 9' bash -c "'$repute' --store s --now $now stats --json |
	sed 's/.*\"entries\":\([0-9]*\),\"claims\":\([0-9]*\).*/\1 \2/'"
expect 'bytes are those of the layers' 0 '' test "$(field base_bytes at stats)" -gt 0
expect 'for people' 0 '9' bash -c "'$repute' --store s --now $now stats | grep -c '^[a-z].*[0-9]\|  later'"
refuse 'stats takes no value' 'takes no value' at stats x
expect 'the journal' 0 '2' bash -c "'$repute' --store s --now $now stats --json |
	grep -oE '\"journal_bytes\":[1-9][0-9]*|\"last_compaction\":\"2026-01-01T00:00:00Z\"' | wc -l"

# readers: one that waits for its input, then one whose base has been folded away
readers() { at stats --json | sed 's/.*"readers":{\([^[]*\).*/\1/'; }
expect 'nobody reads' 0 '"count":0,"behind":0,"pids":' readers
mkfifo input
at lookup <input >output 2>&1 &
reader=$!
exec 9>input
for _ in {1..100}; do [ "$(readers)" = '"count":0,"behind":0,"pids":' ] || break; sleep 0.05; done
expect 'one reads' 0 '"count":1,"behind":0,"pids":' readers
at add -q w.example x.example y.example z.example
at compact -q
expect 'its base is gone' 0 '"count":1,"behind":1,"pids":' readers
exec 9>&-
wait "$reader"
expect 'nobody reads any more' 0 '"count":0,"behind":0,"pids":' readers
rm input output

# ---- odd moments -----------------------------------------------------------------------

# when NOW EXPIRES OPTION...: what a claim made then gets
when() {
	local at=$1 expires=$2
	shift 2
	fresh
	now=$at
	at add -q x.example "$@"
	expect "at $at $*" 0 "$expires" field expires at lookup x.example
	now=$expires
	expect "at $at $*: it is over then" 1 '' quiet at lookup x.example
	expect "at $at $*: and swept" 0 '' at expire -q
}
when 2024-02-29T12:00:00Z 2034-02-28T12:00:00Z
when 2026-01-01T00:00:00Z 2036-01-01T00:00:00Z
when 2036-02-07T06:28:15Z 2036-02-07T06:28:16Z --ttl 1
when 2028-01-19T03:14:08Z 2038-01-19T03:14:08Z
when 2038-01-19T03:14:07Z 2038-01-19T03:14:08Z --ttl 1
when 2038-01-19T03:14:08Z 2048-01-19T03:14:08Z
when 2106-02-07T06:28:15Z 2106-02-07T06:28:16Z --ttl 1
when 2090-02-28T00:00:00Z 2100-02-28T00:00:00Z
when 2096-02-29T00:00:00Z 2106-02-28T00:00:00Z
when 2028-02-28T23:59:59Z 2028-02-29T00:00:00Z --ttl 1
when 2100-02-28T23:59:59Z 2100-03-01T00:00:00Z --ttl 1
when 9995-06-01T00:00:00Z 9999-12-31T23:59:59Z
when 9999-12-31T23:59:57Z 9999-12-31T23:59:59Z --ttl 10000y
when 2026-01-01T00:00:00Z 2026-06-01T10:00:00Z --expires '2026-06-01 12:00:00+02:00'
when 2026-01-01T00:00:00Z 2026-06-01T16:00:00Z --expires '2026-06-01 12:00:00-0400'
when 2026-01-01T00:00:00Z 2026-12-31T22:30:00Z --expires 2027-01-01T00:00:00+01:30
when 2026-01-01T00:00:00Z 2026-06-01T16:00:00Z --tag 'Reputation Entries TTL=2026-06-01 12:00:00-0400'
when 2026-01-01T00:00:00Z 2028-02-29T23:59:59Z --expires 2028-02-29T23:59:60Z
fresh
now=2026-01-01T00:00:00Z
refuse 'no such day' 'time' at add x.example --expires 2027-02-29
refuse 'past the end' 'time' at add x.example --expires 10000-01-01T00:00:00Z

# A clock that was wrong: what it wrote expires by what it said, until it is said again.
fresh
now=2030-01-01T00:00:00Z
at add -q --ttl 1d x.example
now=2026-01-01T00:00:00Z
at add -q --ttl 1d y.example
expect 'backwards: both live' 0 2 live
expect 'and none is swept' 1 '' at expire -q
expect 'said until then' 0 2030-01-02T00:00:00Z field expires at lookup x.example
expect 'backwards: the same again is renewed' 0 1 field renewed at add --ttl 1d x.example
expect 'and counts from this clock' 0 2026-01-02T00:00:00Z field expires at lookup x.example
expect 'nor was it seen later than now' 0 2026-01-01T00:00:00Z field first_seen at lookup x.example
expect 'again is no news' 0 0 field renewed at add --ttl 1d x.example
expect 'another rule' 0 1 field updated at add --ttl 2d x.example
expect 'counts from this clock' 0 2026-01-03T00:00:00Z field expires at lookup x.example
told() { "$@" 2>&1 >/dev/null | grep -c 'one of them is wrong'; }
expect 'a clock a day behind' 1 0 told at --now 2025-12-31 add --ttl 1d x.example
expect 'and more is told' 0 1 told at --now 2025-12-29 add --ttl 1d z.example
expect 'once' 1 0 told at --now 2025-12-29 add --ttl 1d zz.example
expect 'not if quiet' 1 0 told at --now 2025-12-20 add -q --ttl 1d zzz.example

# ---- which rule counts -------------------------------------------------------------------

fresh
now=2026-01-01T00:00:00Z
printf '%s\n' 'indicator,valid until' 'line.example,2026-03-01' 'digits.example,20260302' \
	'zone.example,2026-03-03T02:00:00+02:00' 'none.example,' 'junk.example,86400' >f.csv
rule() { field expires at lookup "$1"; }
at source set feed --ttl 20d
expect 'a life in seconds is no time' 0 1 field rejected at import --source feed f.csv
expect 'the line' 0 2026-03-01T00:00:00Z rule line.example
expect 'a day in digits' 0 2026-03-02T00:00:00Z rule digits.example
expect 'its zone' 0 2026-03-03T00:00:00Z rule zone.example
expect 'else the source' 0 2026-01-21T00:00:00Z rule none.example
at import -q --source feed --ttl 30d f.csv
expect '--ttl before the source' 0 2026-01-31T00:00:00Z rule none.example
expect 'not before the line' 0 2026-03-01T00:00:00Z rule line.example
at import -q --source feed --expires 2026-02-02 f.csv
expect '--expires before the source' 0 2026-02-02T00:00:00Z rule none.example
at import -q --source feed --ttl 30d --tag 'Reputation Entries TTL=2026-02-03' f.csv
expect 'the tag before --ttl' 0 2026-02-03T00:00:00Z rule none.example
at import -q --source feed --expires 2026-02-02 --tag 'Reputation Entries TTL=2026-02-03' f.csv
expect 'and before --expires' 0 2026-02-03T00:00:00Z rule none.example
expect 'not before the line' 0 2026-03-01T00:00:00Z rule line.example
expect 'a new default counts from the next import' 0 2026-02-03T00:00:00Z rule none.example
at source set feed --ttl 1w
at import -q --source feed f.csv
expect 'which comes' 0 2026-01-08T00:00:00Z rule none.example
expect 'and is shown' 0 604800 field ttl at source list
at source set feed --ttl 0
at import -q --source feed f.csv
expect '0 is no default' 0 2036-01-01T00:00:00Z rule none.example
for words in '' 1x -1d 1.5h 10001y ' 1d' forever; do
	refuse "a default of '$words'" 'duration' at source set feed --ttl "$words"
	refuse "--ttl '$words'" 'duration' at add --ttl "$words" x.example
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
