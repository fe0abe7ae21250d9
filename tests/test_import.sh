#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# import, add, remove, tag, source and compact from outside. REPUTE is the
# binary. Ends with `N passed, N failed`.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
repute=$(realpath "${REPUTE:-build/repute}")
unset REPUTE_STORE
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work" || exit
passed=0 failed=0
now=2026-01-01T00:00:00Z

pass() { passed=$((passed + 1)); }
fail() {
	failed=$((failed + 1))
	printf '%s\n' "$@"
}

# expect NAME STATUS OUTPUT COMMAND...: exact standard output and exit status
expect() {
	local name=$1 status=$2 output=$3 got code
	shift 3
	got=$("$@" 2>errors)
	code=$?
	if [ "$code" -eq "$status" ] && [ "$got" = "$output" ]; then
		pass
	else
		fail "$name: status $code, expected $status" '--- got' "$got" '--- expected' "$output" \
			'--- errors' "$(head -c 600 errors)"
	fi
}

# refuse NAME PATTERN COMMAND...: status 2, the reason on standard error, and the store as it was
refuse() {
	local name=$1 pattern=$2 before code
	shift 2
	before=$(state)
	"$@" >/dev/null 2>errors
	code=$?
	if [ "$code" -eq 2 ] && grep -q -- "$pattern" errors && [ "$before" = "$(state)" ]; then
		pass
	else
		fail "$name: status $code, expected 2 and '$pattern'" '--- errors' "$(head -c 600 errors)" \
			'--- before' "$before" '--- after' "$(state)"
	fi
}

at() { "$repute" --store s --now "$now" "$@"; }
# added updated unchanged removed rejected generation
counts() {
	at "$@" --json | sed 's/.*"added":\([0-9]*\),"updated":\([0-9]*\),"unchanged":\([0-9]*\),"removed":\([0-9]*\),"rejected":\([0-9]*\),"generation":\([0-9]*\).*/\1 \2 \3 \4 \5 \6/'
}
# every claim: source key scope
claims() {
	at list --json 2>/dev/null |
		sed 's/.*"key":"\([^"]*\)","scope":"\([a-z]*\)","source":"\([^"]*\)".*/\3 \1 \2/' | sort
}
# field FIELD VALUE: of the first hit
field() { at lookup --json "$2" | sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"; }
state() { [ ! -e s ] || (cd s && sha256sum JOURNAL segment-* 2>/dev/null); }
fresh() {
	chmod -R u+w s 2>/dev/null
	rm -rf s
	now=2026-01-01T00:00:00Z
}
# lines LINE...: into `feed`
lines() { printf '%s\n' "$@" >feed; }
temporaries() { find s -name '*.tmp' -not -name "${1:-}" | wc -l; }
seconds() { date +%s; }

# ---- the same again, and what a source may touch ---------------------------

lines evil.example bad.example 192.0.2.1 192.0.2.0/24 http://a.example/x
expect 'first import' 0 '5 0 0 0 0 1' counts import --source a feed
before=$(state)
expect 'the same again' 0 '0 0 5 0 0 1' counts import --source a feed
expect 'not a byte changed' 0 "$before" state
expect 'another source beside it' 0 '5 0 0 0 0 2' counts import --source b feed
lines bad.example evil.example
expect 'fewer lines take nothing back' 0 '0 0 2 0 0 2' counts import --source a feed
expect 'a tag is news' 0 '0 2 0 0 0 3' counts import --source a --tag 'Malware Family=x' feed
expect 'the same tag is none' 0 '0 0 2 0 0 3' counts import --source a --tag 'malware family=x' feed
expect 'mirror' 0 '0 2 0 3 0 4' counts import --source a --mirror feed
expect 'mirror leaves others alone' 0 'a bad.example exact
a evil.example exact
b 192.0.2.0/24 exact
b 192.0.2.1 exact
b bad.example exact
b evil.example exact
b http://a.example/x exact' claims
lines evil.example new.example
expect 'mirror adds and takes' 0 '1 0 1 1 0 5' counts import --source a --mirror feed
lines bad.example new.example
expect 'mirror brings back' 0 '1 0 1 1 0 6' counts import --source a --mirror feed
expect 'mirror twice is nothing' 0 '0 0 2 0 0 6' counts import --source a --mirror feed
expect 'remove takes own claims only' 1 '0 0 0 0 0 6' counts remove --source c bad.example
expect 'no source from a remove' 0 'a
b' bash -c "'$repute' --store s source list | cut -d' ' -f1"
expect 'remove of one source' 0 '0 0 0 1 0 7' counts remove --source a bad.example
expect 'the other stays' 0 'b' field source bad.example
expect 'remove of all sources' 0 '0 0 0 1 0 8' counts remove --all-sources bad.example
expect 'gone' 1 '' bash -c "'$repute' --store s lookup -q bad.example | grep -v 'not listed'"
expect 'remove of nothing' 1 '0 0 0 0 0 8' counts remove --all-sources bad.example
expect 'a source goes with its claims' 0 '0 0 0 1 0 9' counts source remove a
expect 'and is forgotten' 0 'b' bash -c "'$repute' --store s source list | cut -d' ' -f1"
expect 'no such source to remove' 1 '0 0 0 0 0 9' counts source remove a
expect 'verify' 0 '' bash -c "'$repute' --store s verify -q >/dev/null"

# ---- duplicates, scopes, ranges ---------------------------------------------

fresh
lines one.example ONE.example. one.example two.example
expect 'duplicates in one file' 0 '2 0 2 0 0 1' counts import --source a feed
lines 'value,Malware Family' dup.example,first dup.example,second
expect 'the later line wins' 0 '1 0 1 0 0 2' counts import --source a feed
expect 'its tag' 0 'second' bash -c "'$repute' --store s lookup --json dup.example | grep -o second"
expect 'which again changes nothing' 0 '0 0 2 0 0 2' counts import --source a feed
fresh
at add n.example '*.n.example' -q 2>/dev/null
at add --scope tree n.example -q
expect 'three scopes of one name' 0 'user n.example below
user n.example exact
user n.example tree' claims
expect 'a spelled scope is that one' 0 '0 0 0 1 0 3' counts remove '*.n.example'
expect 'the others stay' 0 'user n.example exact
user n.example tree' claims
expect 'a plain spelling is any' 0 '0 0 0 2 0 4' counts remove n.example
expect 'put again after removal' 0 '1 0 0 0 0 5' counts add n.example
expect '--scope is only that one' 1 '0 0 0 0 0 5' counts remove --scope below n.example
expect 'a range is its prefixes' 0 '2 0 0 0 0 6' counts add 192.0.2.1-192.0.2.3
expect 'and is taken back as one' 0 '0 0 0 2 0 7' counts remove 192.0.2.1-192.0.2.3
refuse 'a range that is backwards' 'before it begins' at add 192.0.2.3-192.0.2.1
refuse 'one bad value, nothing is added' 'a\.\.b' at add good.example a..b
refuse 'one bad value, nothing is removed' 'a\.\.b' at remove n.example a..b
expect 'add of nothing' 1 '' bash -c "'$repute' --store s add </dev/null"
expect 'remove of no values' 1 '' bash -c "'$repute' --store s remove </dev/null"
lines 192.0.2.1-192.0.2.9
refuse 'a range is an address whatever is asked' 'no usable' at import --kind ipv6 feed

# ---- life -------------------------------------------------------------------

fresh
lines x.example
at import --source a --ttl 30d feed -q
expect '--ttl' 0 '2026-01-31T00:00:00Z' field expires x.example
expect 'another --ttl' 0 '0 1 0 0 0 2' counts import --source a --ttl 60d feed
expect '--expires' 0 '0 1 0 0 0 3' counts import --source a --expires 2026-06-01T00:00:00Z feed
expect 'to the second' 0 '2026-06-01T00:00:00Z' field expires x.example
refuse '--ttl and --expires' 'either' at import --ttl 1d --expires 2027-01-01 feed
refuse 'add --ttl and --expires' 'either' at add --ttl 1d --expires 2027-01-01 y.example
now=2026-05-31T23:59:59Z
expect 'a second before' 0 'x.example' field key x.example
now=2026-06-01T00:00:00Z
expect 'at the second' 1 '' bash -c "'$repute' --store s --now $now lookup x.example | grep -v 'not listed'"
before=$(state)
expect 'dead on arrival, again' 0 '0 0 1 0 0 3' counts import --source a --expires 2026-06-01T00:00:00Z feed
expect 'not a byte changed by the dead' 0 "$before" state
expect 'an expired claim is brought back' 0 '0 1 0 0 0 4' counts import --source a --ttl 1d feed
expect 'with its first sight' 0 '2026-01-01T00:00:00Z' field first_seen x.example
at source set a --ttl 7d
expect 'the default of the source' 0 '0 1 0 0 0 6' counts import --source a feed
expect 'seven days' 0 '2026-06-08T00:00:00Z' field expires x.example
now=2026-06-01T20:00:00Z
expect 'within the window nothing moves' 0 '0 0 1 0 0 6' counts import --source a feed
now=2026-06-01T22:00:00Z
expect 'past an eighth of its life it is renewed' 0 '0 0 1 0 0 7' counts import --source a feed
expect 'renewed' 0 '2026-06-08T22:00:00Z' field expires x.example
now=2024-02-29T12:00:00Z
at add leap.example -q
expect 'ten years from 29 February' 0 '2034-02-28T12:00:00Z' field expires leap.example
expect 'which is no change' 0 '0 0 1 0 0 8' counts add leap.example
now=9999-12-31T00:00:00Z
at add end.example -q
expect 'the end of time' 0 '9999-12-31T23:59:59Z' field expires end.example
now=2026-01-01T00:00:00Z
at add --tag 'Reputation Entries TTL=2030-01-02T03:04:05Z' tag.example -q
expect 'the TTL tag' 0 '2030-01-02T03:04:05Z' field expires tag.example
printf '%s\n' 'sms.example,Reputation Entries TTL,2031-10-25 07:15:00-0400' >feed
at import --format sms --source sms feed -q
expect 'the TTL tag of an SMS line' 0 '2031-10-25T11:15:00Z' field expires sms.example
refuse 'a TTL tag of no time at all' 'no time to live' at add --tag 'Reputation Entries TTL=1970-01-01' t2.example
refuse 'a TTL tag that is no time' 'time' at add --tag 'Reputation Entries TTL=soon' t2.example

# ---- all or nothing ----------------------------------------------------------

fresh
lines old.example
at import --source a feed -q
lines good.example 192.0.2.300 192.0.2.1/24 fine.example
expect 'bad lines are left out' 0 '2 0 0 0 2 2' counts import --source b feed
refuse 'more than N' 'more than 1 rejects' at import --source c --max-rejects 1 feed
expect 'as many as N' 0 '2 0 0 0 2 3' counts import --source c --max-rejects 2 feed
refuse 'more than P%' '2 of 4' at import --source d --max-rejects 49% feed
expect 'as many as P%' 0 '2 0 0 0 2 4' counts import --source d --max-rejects 50% feed
cp feed bad
yes w.example | sed '=' | sed 'N;s/\n/./' | head -n 100 >many
expect 'P% of all files together' 0 '102 0 0 0 2 5' counts import --source e --max-rejects 5% bad many
printf '<!DOCTYPE html>\n<html><body>\n<p>evil.example</p>\n</body></html>\n' >page
: >empty
printf '# nothing\n\n; here\n' >comments
seq -f '192.0.2.%g' 1 200 | gzip | head -c 300 >cut.gz
mkdir directory
for file in page empty comments cut.gz directory missing; do
	refuse "refused: $file" "$file" at import --source a --mirror $file
	refuse "refused in company: $file" "$file" at import --source a --mirror many $file
done
printf 'n.example\n' >one
refuse 'one of several fails' 'page' at import one page --source z
expect 'each its own: the good one stays' 2 '1 0 0 0 0 6' counts import one page
printf 'stdin.example\n' | at import - -q
expect 'stdin is a source' 0 'stdin' field source stdin.example
mkdir left right
printf 'l.example\n' >left/list.txt
printf 'r.example\n' >right/list.txt
refuse 'two files of one name would undo each other' 'list.txt' at import --mirror left/list.txt right/list.txt
printf 'a\033]0;x\007.example\n1.2.3.4\n2.3.4.5\n3.4.5.6\n4.5.6.7\n' >"$(printf 'e\033sc')"
at import --rejects rejects e* -q 2>errors
expect 'no escape reaches the terminal' 1 '' grep -l "$(printf '\033')" errors rejects
expect 'rejects: file, line, status, reason, text' 0 '5' bash -c "head -n 1 rejects | tr '\t' '\n' | wc -l"
refuse 'no such source name' 'name' at import --source "$(printf 'a\nb')" one
refuse 'an empty source name' 'name' at import --source '' one
refuse 'no such tag' 'no tag category' at import --tag 'Nosuch=1' one
refuse 'a value the tag does not take' 'Severity' at import --tag 'Trend Micro Severity=Awful' one
if [ "$(id -u)" -ne 0 ]; then
	printf 'x.example\n' >unreadable
	chmod 000 unreadable
	refuse 'unreadable' 'ermission' at import unreadable
fi

# ---- nothing is made by a look or a failure -----------------------------------

fresh
lines x.example
expect 'dry run' 0 '1 0 0 0 0 0' counts import --dry-run feed
expect 'made no store' 1 '' test -e s
at import --source a feed -q
before=$(state)
lines y.example
expect 'dry run of a mirror' 0 '1 0 0 1 0 1' counts import --source a --mirror --dry-run feed
expect 'changed nothing' 0 "$before" state
fresh
expect 'nothing imported' 2 '' at import page
refuse 'and no store that answers' 'no store' at lookup x.example
for words in compact 'remove x.example' 'source remove a' 'tag remove a'; do
	fresh
	# shellcheck disable=SC2086
	refuse "no store to $words" 'no store' at $words
	expect "none made by $words" 1 '' test -e s
done

# ---- the guard -----------------------------------------------------------------

fresh
lines 0.0.0.0/0 ::/0 com '*.com' '*.co.uk' d41d8cd98f00b204e9800998ecf8427e \
	da39a3ee5e6b4b0d3255bfef95601890afd80709 \
	e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 fine.example
expect 'far too broad' 0 '1 0 0 0 8 1' counts import --source a feed
expect '--allow-broad' 0 '7 0 1 0 1 2' counts import --source a --allow-broad feed
refuse 'add is guarded' 'com' at add com
refuse 'a range is guarded whole' '.' at add 0.0.0.0-255.255.255.255

# ---- hostile files --------------------------------------------------------------

fresh
{ printf '\357\273\277bom.example\r\n'; printf 'nul.example\0\r\n'; printf 'caf\351.example\r\n'; printf 'last.example'; } >feed
expect 'BOM, CRLF, NUL, latin-1' 0 '2 0 0 0 2 1' counts import --source a feed
{ printf 'a.example\n'; head -c 1000000 /dev/zero | tr '\0' x; printf '\nb.example\n'; head -c 1000000 /dev/zero; printf '\nc.example\n'; } >feed
expect 'lines of 1 MB' 0 '3 0 0 0 2 2' counts import --source b feed
{ printf 'a.example\n'; head -c 100000000 /dev/zero | tr '\0' x; printf '\nb.example\n'; } >feed
start=$(seconds)
expect 'a line of 100 MB' 0 '2 0 0 0 1 3' counts import --source c feed
expect 'took no time' 0 '' test $(($(seconds) - start)) -le 10
if (ulimit -v 400000 && "$repute" version) >/dev/null 2>&1; then
	expect 'a line of 100 MB in little memory' 0 '0 0 2 0 1 3' \
		bash -c "ulimit -v 150000; '$repute' --store s --now $now import --json --source c feed | sed 's/.*\"added\":\([0-9]*\),\"updated\":\([0-9]*\),\"unchanged\":\([0-9]*\),\"removed\":\([0-9]*\),\"rejected\":\([0-9]*\),\"generation\":\([0-9]*\).*/\1 \2 \3 \4 \5 \6/'"
fi
rm -f feed

# ---- no time to live, tables with a column map, defanged values --------------------

fresh
at add x.example -q
for words in '--ttl 0' '--ttl 0d' '--expires 1970-01-01T00:00:00Z'; do
	lines y.example
	# shellcheck disable=SC2086
	refuse "add $words" 'no time to live' at add $words y.example
	# shellcheck disable=SC2086
	refuse "import $words" 'no time to live' at import $words feed
done
format() { at import --json "$@" | sed 's/.*"format":"\([a-z]*\)".*/\1/'; }
printf '1\ttsv.example\tEmotet\n2\ttsv2.example\t\n' >feed
expect 'a column map, TABs' 0 tsv format --columns 'value=2,tag:Malware Family=3' feed
printf '1,csv.example,Emotet\n2,csv2.example,\n' >feed
expect 'a column map, commas' 0 csv format --columns 'value=2,tag:Malware Family=3' feed
# values that no one would guess: the map alone says where they stand
for mark in $'\t' ',' ';' '|'; do
	fresh
	printf '%s\n' "id${mark}what" "1${mark}sha1:da39a3ee5e6b4b0d3255bfef95601890afd80799" >feed
	expect "a column map, '$mark' by what parts the lines" 0 '1 0 0 0 0 1' \
		counts import --columns value=what feed
done
noted() {
	at add "$@" 2>notes >/dev/null
	cat notes
}
expect 'defanged, with a scheme' 0 'repute: 1 times: a value was defanged' noted 'hxxp://d.example/'
expect 'no scheme, not defanged' 0 'repute: 1 times: a URL without a scheme was read as http://' noted d.example/a
rm -f feed

# ---- tags and sources ------------------------------------------------------------

fresh
at tag add Team --type list --values 'red,blue'
generation() { at info --json | sed 's/.*"generation":\([0-9]*\),.*/\1/'; }
expect 'a category' 0 1 generation
at tag add Team --type list --values 'red,blue'
expect 'again: no news' 0 1 generation
at source set a --ttl 7d --priority 5 --description 'a list'
expect 'a source' 0 2 generation
at source set a --ttl 7d --priority 5 --description 'a list'
expect 'the same source: no news' 0 2 generation
refuse 'a description with controls' 'description' at source set a --description "$(printf 'a\nb')"
refuse 'a description too long' 'description' at source set a --description "$(printf '%0300d' 1)"
for words in 'tag list x' 'tag put' 'source list x' 'source put x'; do
	# shellcheck disable=SC2086
	refuse "what there is instead of $words" "${words%% *} list, ${words%% *} [as]" at $words
done
# shellcheck disable=SC2016
expect 'completion knows the verbs' 0 'list add remove import export|list set remove|--type|red blue' bash -c '
	source /dev/stdin < <("$1" help --completion)
	mkdir listless && cd listless && touch "red blue"
	answers=()
	for words in "tag " "source " "tag add x --ty" "tag add "; do
		read -ra COMP_WORDS <<<"repute $words"
		[[ $words == *" " ]] && COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_repute
		answers+=("${COMPREPLY[*]}")
	done
	(IFS="|"; echo "${answers[*]}")' - "$repute"
refuse 'a number past 64 bits' 'whole number' at tag add N --type number --min 1 --max 99999999999999999999
refuse 'no number at all' 'whole number' at tag add N --type number --min '' --max 9
refuse 'more values than a list has' 'values' at tag add L --type list --values "$(seq -s, 1 1025)"
at add --tag Team=red x.example -q
expect 'no category to remove' 1 '' at tag remove Nope
expect 'no source to remove' 1 '' at source remove Nope -q
refuse 'a category that is used stays' 'Team' at tag remove Team
at remove x.example -q
at tag remove Team
expect 'a category that is used no more goes' 1 '' bash -c "'$repute' --store s tag list | grep Team"
refuse 'a description is only for set' 'set' at source list --ttl 5d

# ---- one writer at a time ----------------------------------------------------------

fresh
at add a.example -q
flock s/LOCK sleep 2 &
sleep 0.3
refuse 'a second writer' 'another process' at add b.example
expect 'readers go on' 0 'a.example' field key a.example
expect 'a dry run too' 0 '0 0 1 0 0 1' bash -c "printf 'a.example\n' | '$repute' --store s --now $now import --source user --dry-run --json - | sed 's/.*\"added\":\([0-9]*\),\"updated\":\([0-9]*\),\"unchanged\":\([0-9]*\),\"removed\":\([0-9]*\),\"rejected\":\([0-9]*\),\"generation\":\([0-9]*\).*/\1 \2 \3 \4 \5 \6/'"
expect '--wait' 0 '1 0 0 0 0 2' counts add --wait b.example
wait
flock s/LOCK sleep 6 &
holder=$!
sleep 0.3
start=$(seconds)
expect 'a wait can be stopped' 130 '' timeout --foreground --preserve-status -s INT 0.5 "$repute" --store s add --wait c.example
expect 'at once' 0 '' test $(($(seconds) - start)) -le 3
kill "$holder"
wait "$holder" 2>/dev/null

# ---- stopped half way -----------------------------------------------------------------

fresh
at add keep.example -q
before=$(state)
seq -f 'h%g.example' 1 200000 >large
{ cat large; sleep 3; } | expect 'SIGINT half way' 130 '' timeout --foreground --preserve-status -s INT 1 "$repute" --store s import -q --source big -
expect 'nothing published' 0 "$before" state
for delay in 0.05 0.1 0.2 0.3 0.5 0.8; do
	timeout -s KILL $delay "$repute" --store s --now "$now" import -q --source big --mirror large >/dev/null 2>&1
	have=$(at info --json | sed 's/.*"claims":\([0-9]*\),.*/\1/')
	if [ "$have" -eq 1 ] || [ "$have" -eq 200001 ]; then pass; else fail "killed after $delay s: $have claims"; fi
	expect "verify after SIGKILL at $delay" 0 '' bash -c "'$repute' --store s verify -q >/dev/null"
	at add "k$delay.example" -q && at remove "k$delay.example" -q
	expect "no temporaries after $delay" 0 0 temporaries 'compact.*.tmp'
	# killed while it folded, after its transaction: the next fold removes what that left
	at compact -q
	expect "nor of a fold" 0 0 temporaries
	at source remove big -q 2>/dev/null
done

# ---- damage ----------------------------------------------------------------------------

fresh
at add a.example -q
at add b.example -q
cp -a s good
restore() {
	fresh
	cp -a good s
}
mv s/JOURNAL m
refuse 'segments without a journal, to write' 'JOURNAL' at add c.example
expect 'segments without a journal, to read' 2 '' bash -c "'$repute' --store s lookup x.example 2>/dev/null"
for size in 0 1 100 4096 5000; do
	restore
	truncate -s $size s/JOURNAL
	refuse "journal of $size bytes" 'JOURNAL' at add c.example
	refuse "read with a journal of $size bytes" 'JOURNAL' at list
done
restore
printf 'x' | dd of=s/JOURNAL bs=1 seek=20 conv=notrunc 2>/dev/null
refuse 'a byte of the head of a journal' 'JOURNAL' at list
restore
segment=$(find s -name 'segment-*' | head -n 1)
rm "$segment"
refuse 'a missing segment' "${segment##*/}" at add c.example
restore
segment=$(find s -name 'segment-*' | head -n 1)
truncate -s 5000 "$segment"
refuse 'a truncated segment' "${segment##*/}" at list
restore
rm s/GENERATION
expect 'no GENERATION to read' 0 'a.example' field key a.example
expect 'no GENERATION to write' 0 '1 0 0 0 0 3' counts add c.example
restore
truncate -s 3 s/GENERATION
expect 'half a GENERATION to read' 0 'a.example' field key a.example
expect 'half a GENERATION to write' 0 '1 0 0 0 0 3' counts add c.example
restore
touch s/segment-1-backup.rps s/notes.txt s/segment-99.rps s/segment-99.rps.1.tmp
at add c.example -q
expect 'only leftovers go' 0 'notes.txt
segment-1-backup.rps' bash -c 'cd s && ls | grep -e notes -e backup -e 99'
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	restore
	chmod 755 "$work"
	cp "$repute" "$work/binary"
	as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$work/binary" --store s --now "$now" "$@"; }
	expect 'a reader who may not write' 0 'a.example' bash -c "setpriv --reuid=65534 --regid=65534 --clear-groups '$work/binary' --store s --now $now lookup --json a.example | sed 's/.*\"key\":\"\([^\"]*\)\".*/\1/'"
	refuse 'a writer who may not' 'ermission' as_nobody add c.example
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
