#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# librepute as others use it: the public header alone, as C11 and C++, and
# docs/example.c against the shared and the static library. REPUTE is the
# binary that makes the store. Ends with `N passed, N failed`.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
repute=$(realpath "${REPUTE:-build/repute}")
unset REPUTE_STORE
if [ ! -e build/librepute.a ] || [ ! -e build/librepute.so ]; then
	echo 'librepute is not built: make all'
	exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
strict=(-Wall -Wextra -Wpedantic -Wconversion -Werror)

# try NAME COMMAND...: passes if the command does, and says nothing
try() {
	local name=$1
	shift
	if "$@" >"$work/said" 2>&1 && [ ! -s "$work/said" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "$name"
		head -n 40 "$work/said"
	fi
}

# answers PROGRAM: exact answers about the store
answers() {
	LD_LIBRARY_PATH=build "$1" "$work/store" "$work/profile.ini" http://evil.example/a 192.0.2.7 192.0.2.200 a..b 1.1.1.1 |
		sed 's/[0-9]*-[0-9]*-[0-9]*T[0-9:]*Z/TIME/g' | diff - "$work/expected"
}
refuses() {
	LD_LIBRARY_PATH=build "$1" "$work/none" "$work/profile.ini" x 2>"$work/refused"
	[ $? -eq 2 ] && grep -q 'there is no store here' "$work/refused" || return
	LD_LIBRARY_PATH=build "$1" "$work/store" "$work/expected" x 2>"$work/refused"
	[ $? -eq 2 ] && grep -q 'line 1, column 1' "$work/refused"
}

# The header by itself, included twice, the way the strictest caller compiles
for standard in c11 c17; do
	try "repute.h as $standard" gcc -std=$standard "${strict[@]}" -Wstrict-prototypes -fsyntax-only -Iquery \
		-include query/repute.h -x c query/repute.h
done
if command -v g++ >/dev/null; then
	for standard in c++11 c++17; do
		try "repute.h as $standard" g++ -std=$standard "${strict[@]}" -fsyntax-only -Iquery \
			-include query/repute.h -x c++ query/repute.h
	done
fi

"$repute" add -q --store "$work/store" --source feed-a --ttl 1d --tag 'List Count=3' 192.0.2.0/24 http://evil.example/a ||
	failed=$((failed + 1))
cat >"$work/profile.ini" <<'END'
[profile]
name = perimeter
[action "Block + Notify"]
flow = block
notify = yes
[filter "listed often"]
action = Block + Notify
where = "List Count" > 2
[exception "office"]
ip = 192.0.2.0/28
END
cat >"$work/expected" <<'END'
http://evil.example/a: listed
    url http://evil.example/a (exact) from feed-a [List Count=3] first seen TIME last seen TIME expires TIME
    block by filter listed often, notify
    none
192.0.2.7: listed
    ipv4 192.0.2.0/24 (exact) from feed-a [List Count=3] first seen TIME last seen TIME expires TIME
    none by exception office
192.0.2.200: listed
    ipv4 192.0.2.0/24 (exact) from feed-a [List Count=3] first seen TIME last seen TIME expires TIME
    block by filter listed often, notify
a..b: not a domain name
1.1.1.1: not listed
    none
END

try 'example, static' gcc -std=c11 "${strict[@]}" -Iquery docs/example.c build/librepute.a -o "$work/static" -lxxhash -lidn2
try 'example, shared' gcc -std=c11 "${strict[@]}" -Iquery docs/example.c -o "$work/shared" -Lbuild -lrepute
for program in static shared; do
	try "answers, $program" answers "$work/$program"
	try "no store, $program" refuses "$work/$program"
done
if command -v pkg-config >/dev/null; then
	mapfile -d ' ' -t flags < <(PKG_CONFIG_PATH=build pkg-config --define-variable=includedir=query \
		--define-variable=libdir=build --cflags --libs repute | tr -d '\n')
	try 'example, pkg-config' gcc -std=c11 docs/example.c -o "$work/flags" "${flags[@]}"
	try 'answers, pkg-config' answers "$work/flags"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
