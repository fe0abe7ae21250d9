#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# `repute normalize` and the frame of the program, from outside. REPUTE is the
# binary. Ends with `N passed, N failed`.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
repute=${REPUTE:-build/repute}
passed=0 failed=0

# expect NAME STATUS OUTPUT COMMAND...: exact standard output and exit status
expect() {
	local name=$1 status=$2 output=$3 got code
	shift 3
	got=$("$@" 2>/dev/null)
	code=$?
	if [ "$code" -eq "$status" ] && [ "$got" = "$output" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf '%s: status %s, expected %s\n--- got\n%s\n--- expected\n%s\n' "$name" "$code" "$status" "$got" "$output"
	fi
}

json() { "$repute" normalize --json "$@"; }
# the format is the test's own
# shellcheck disable=SC2059
from() { printf "$1" | "$repute" normalize --json "${@:2}"; }
to_full() { "$repute" normalize x.example >/dev/full; }
to_closed() { "$repute" normalize x.example >&-; }
first_word() { "$repute" "$@" 2>&1 | sed -n 1p; }
long() { { head -c 70000 /dev/zero | tr '\0' a; printf '\nx.example\n'; } | "$repute" normalize --json | cut -c1-41 | tail -n 1; }

expect 'a name' 0 '{"input":"x.example","kind":"domain","key":"x.example","steps":[]}' json x.example
expect 'an address' 0 '{"input":"192.0.2.1","kind":"ipv4","key":"192.0.2.1","steps":[]}' json 192.0.2.1
expect 'one bad, the rest is answered' 2 \
	'{"input":"a..b","error":{"code":"bad-domain","message":"the name has an empty label"}}
{"input":"x.example","kind":"domain","key":"x.example","steps":[]}' json a..b x.example
expect 'an entry has its scope' 0 \
	'x.example below' bash -o pipefail -c "'$repute' normalize --json --entry '*.x.example' | sed 's/.*\"key\":\"\\([^\"]*\\)\",\"scope\":\"\\([a-z]*\\)\".*/\\1 \\2/'"
expect 'lines of stdin, blank ones skipped' 0 \
	'{"input":"x.example","kind":"domain","key":"x.example","steps":[]}
{"input":"y.example","kind":"domain","key":"y.example","steps":[]}' from '\nx.example\r\n \t\ny.example'
expect 'stdin between operands' 0 \
	'{"input":"1.2.3.4","kind":"ipv4","key":"1.2.3.4","steps":[]}
{"input":"x.example","kind":"domain","key":"x.example","steps":[]}
{"input":"4.3.2.1","kind":"ipv4","key":"4.3.2.1","steps":[]}' from 'x.example\n' 1.2.3.4 - 4.3.2.1
expect 'NUL in a line' 2 'bad-domain' bash -o pipefail -c "printf 'a\\0b.example\\n' | '$repute' normalize --json | grep -o bad-domain"
expect 'the line after a long one' 2 '{"input":"x.example","kind":"domain","key' long
expect 'the longest line that is taken' 2 '' bash -o pipefail -c "head -c 65537 /dev/zero | tr '\\0' a | '$repute' normalize | cat"
expect 'no values' 0 '' from ''
expect 'unknown kind' 2 '' json --kind ipv5 x
expect 'disk full' 2 '' to_full
expect 'closed output' 2 '' to_closed
expect 'unknown command' 2 "repute: no command 'normalise'; did you mean 'normalize'?" first_word normalise x
expect 'no command' 2 'repute: which command?' first_word
expect 'a kind that does not fit' 2 'bad-ipv4' bash -o pipefail -c "'$repute' normalize --json --kind ipv4 x.example | grep -o bad-ipv4"
expect 'help names the command' 0 'Usage: repute normalize [--kind KIND] [--entry] [VALUE...]' first_word help normalize
expect 'a reader that goes away' 141 'x.example' bash -o pipefail -c "yes x.example | '$repute' normalize | head -n 1"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
