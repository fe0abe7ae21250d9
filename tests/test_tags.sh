#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Tag categories and retagging from outside. REPUTE is the binary. Ends with
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
# file LINE...: into `tags`
file() { printf '%s\n' "$@" >tags; }
import() { at tag import "$@"; }
row() { at tag list --json | grep "\"name\":\"$1\""; }
generation() { at info --json | sed 's/.*"generation":\([0-9]*\),.*/\1/'; }

# ---- what there is from the start ------------------------------------------------------

fresh
expect 'predefined, service-owned' 0 'Reputation Entries TTL date
Trend Micro Detection Category list
Trend Micro Publisher text
Trend Micro Scan Action list
Trend Micro Severity list
Trend Micro Source text
Trend Micro Suspicious Object Source list' bash -c "'$repute' --store s tag list --json |
	grep '\"service\":true' | sed 's/.*\"name\":\"\([^\"]*\)\",\"type\":\"\([a-z]*\)\".*/\1 \2/' | sort"
for words in 'remove#Trend Micro Severity' 'add#Trend Micro Severity#--type#list#--values#High,Awful' \
	'remove#Reputation Entries TTL'; do
	IFS='#' read -ra argv <<<"$words"
	at tag add First --type yesno
	refuse "read-only: $words" 'belongs to a service and is read-only' at tag "${argv[@]}"
done
refuse 'a type never changes' 'a type never changes' at tag add First --type date
refuse 'nor in another letter case' 'a type never changes' at tag add fIRST --type date

# ---- export and import -------------------------------------------------------------------

fresh
at tag add Team --type list --values 'red,blue' --description 'who looks after it'
at tag add Score --type number --min -1 --max 100
at tag add Widest --type number --min -9223372036854775808 --max 9223372036854775807
at tag add Day --type date
at tag add Öl --type yesno
at tag add Note --type text
at tag export >tags
before=$(at tag list --json)
expect 'into itself: no news' 0 'tag categories: read 18, added 0, changed 0, unchanged 18; generation 6' \
	import tags
expect 'generation as it was' 0 6 generation
rm -rf s
expect 'into a new store' 0 'tag categories: read 18, added 6, changed 0, unchanged 12; generation 1' \
	import tags
expect 'the same categories' 0 "$before" at tag list --json
at tag list --json >lines
rm -rf s
expect 'as lines, from standard input' 0 \
	'{"read":18,"added":6,"changed":0,"unchanged":12,"generation":1}' import --json - <lines
expect 'the same categories again' 0 "$before" at tag list --json
rm -rf s
gzip -c tags >tags.gz
expect 'compressed' 0 '' import -q tags.gz
expect 'the same categories once more' 0 "$before" at tag list --json

file '[{"name":"team","type":"list","values":["Green","BLUE","red"]}]'
expect 'growing' 0 'tag categories: read 1, added 0, changed 1, unchanged 0; generation 2' import tags
expect 'the old spellings stay' 0 \
	'{"name":"Team","type":"list","service":false,"description":"who looks after it","values":["red","blue","Green"]}' row Team
file '{"name":"Score","type":"number","min":-1,"max":200}' '' '  ' \
	'{"name":"Widest","type":"number","min":"-9223372036854775808","max":"9223372036854775807"}'
expect 'a wider range, and blank lines' 0 \
	'tag categories: read 2, added 0, changed 1, unchanged 1; generation 3' import tags
expect 'nothing in it' 0 'tag categories: read 0, added 0, changed 0, unchanged 0; generation 3' \
	import - <<<'[]'
file '{"name":"Twice","type":"yesno"}' '{"name":"TWICE","type":"yesno"}'
expect 'one category, twice' 0 'tag categories: read 2, added 1, changed 0, unchanged 1; generation 4' \
	import tags

# ---- files that are refused ----------------------------------------------------------------

# bad PATTERN LINE...: a file of good lines and a bad one is refused as a whole, the row named
bad() {
	local pattern=$1
	shift
	file '{"name":"Fine","type":"yesno"}' '' "$@"
	refuse "line: $*" "tags:3: $pattern" import tags
	file "[{\"name\":\"Fine\",\"type\":\"yesno\"},$*]"
	refuse "array: $*" "category 2: $pattern" import tags
}
bad 'category "Team" has the value "red", which is not in the file; a category never shrinks' \
	'{"name":"Team","type":"list","values":["Green","blue"]}'
bad 'category "Score" goes from -1 to 200, which is more than in the file; a category never shrinks' \
	'{"name":"Score","type":"number","min":0,"max":200}'
bad 'category "Team" is of type list, and a type never changes' '{"name":"Team","type":"text"}'
bad 'category "Trend Micro Severity" belongs to a service and is read-only' \
	'{"name":"Trend Micro Severity","type":"list","service":true,"values":["High","Medium","Low","Awful"]}'
bad 'a member is none of' '{"name":"x","type":"list","value":["a"]}'
bad 'there is no "name"' '{"type":"list","values":["a"]}'
bad '"type" must be one of' '{"name":"x","type":"lists"}'
bad '"type" must be one of' '{"name":"x"}'
bad 'a list needs "values"' '{"name":"x","type":"list"}'
bad 'a value of a list is a text' '{"name":"x","type":"list","values":[1]}'
bad 'category "x": a list needs at least one value' '{"name":"x","type":"list","values":[]}'
bad 'category "x": the value "A" is there twice' '{"name":"x","type":"list","values":["a","A"]}'
bad 'a number needs "min" and "max"' '{"name":"x","type":"number","min":1}'
bad 'a number needs "min" and "max"' '{"name":"x","type":"number","min":1,"max":9223372036854775807}'
bad 'category "x": min is greater than max' '{"name":"x","type":"number","min":2,"max":1}'
bad '"service" must be true or false' '{"name":"x","type":"text","service":1}'
bad '"description" is no text' '{"name":"x","type":"text","description":1}'
bad "a category's name must be 1 to 255 bytes" '{"name":"","type":"text"}'
bad 'this is no object' '7'
file '{"name":"Fine","type":"yesno"}' '{"name":'
refuse 'a line that is no JSON' 'tags:2: line 1, column' import tags
file '{"name":"Fine","type":"yesno","name":"x"}'
refuse 'a member twice' 'the name "name" is twice' import tags
file '{"cats":[]}'
refuse 'another object' 'tags: this is no {"categories":[...]}' import tags
refuse 'an empty file' 'stdin: line 1' import - </dev/null
refuse 'no such file' 'nosuch' import nosuch
refuse 'no file' 'tag import FILE' at tag import
printf '[{"name":"x","type":"list","values":["0"' >tags
seq -f ',"%.0f"' 1 1024 >>tags
echo ']}]' >>tags
refuse 'a list too long' 'category 1: a list has too many values' import tags

# ---- values on the way in ------------------------------------------------------------------

printf '%s\n' 'value,team,score' 'a.example,red,5' 'b.example,pink,5' 'c.example,blue,x' >feed.csv
expect 'lines that a category refuses' 1 'feed.csv:3 feed.csv:4' bash -c "
	'$repute' --store s --now $now import --columns 'value=1,tag:Team=2,tag:Score=3' feed.csv 2>&1 |
	grep -o 'feed.csv:[0-9]*' | sort -u | paste -sd' ' | tee names; grep -q nothing names"
refuse 'one value of add' 'not one of red, blue, Green' at add x.example --tag Team=pink


# ---- retagging --------------------------------------------------------------------------

fresh
refuse 'no store' 'there is no store' at retag --where 'kind = url' --untag Confidence
expect 'which makes none' 1 '' test -e s
at tag add Team --type list --values 'red,blue,green'
at add -q a.example b.example --tag Team=red --tag Confidence=5 --tag 'Malware Family=x' --ttl 10d
at add -q 192.0.2.0/24 http://c.example/x --tag Confidence=90
at add -q plain.example
at add -q --source feed a.example --scope tree --tag Team=red
at add -q --ttl 1 over.example --tag Team=red
now=2026-01-02T00:00:00Z
# key source scope tags first_seen last_seen expires, of all claims
all() {
	at list --expired --json | sed 's/.*"key":"\([^"]*\)","scope":"\([a-z]*\)","source":"\([a-z]*\)","tags":\(.*\),"first_seen":"\(..........\)[^"]*","last_seen":"\(..........\)[^"]*","expires":"\(..........\).*/\1 \3 \2 \4 \5 \6 \7/'
}
start=$(all)
expect 'a dry run' 0 '{"matched":2,"changed":2,"generation":6}' \
	at retag --json -n --where 'Team = red' --tag Team=blue
expect 'which changed nothing' 0 "$start" all
expect 'by a condition' 0 'retag: matched 2, changed 2; generation 7' \
	at retag --where 'Team = red' --tag Team=blue --tag team=Green --untag 'malware family'
expect 'only theirs, and only the tags' 0 '192.0.2.0/24 user exact {"Confidence":["90"]} 2026-01-01 2026-01-01 2036-01-01
a.example feed tree {"Team":["red"]} 2026-01-01 2026-01-01 2036-01-01
a.example user exact {"Confidence":["5"],"Team":["blue","green"]} 2026-01-01 2026-01-01 2026-01-11
b.example user exact {"Confidence":["5"],"Team":["blue","green"]} 2026-01-01 2026-01-01 2026-01-11
over.example user exact {"Team":["red"]} 2026-01-01 2026-01-01 2026-01-01
plain.example user exact {} 2026-01-01 2026-01-01 2036-01-01
http://c.example/x user exact {"Confidence":["90"]} 2026-01-01 2026-01-01 2036-01-01' \
	all
expect 'again: no news' 1 'retag: matched 2, changed 0; generation 7' \
	at retag --where 'Team = blue' --tag Team=blue --tag team=Green --untag 'malware family'
expect 'nobody' 1 'retag: matched 0, changed 0; generation 7' at retag --where 'Team = red' --untag Team
expect 'another source' 0 'retag: matched 1, changed 1; generation 8' \
	at retag --source feed --where 'Team = red' --untag Team
expect 'all sources, a kind, untagged ones too' 0 '{"matched":4,"changed":4,"generation":9}' \
	at retag --json -a --kind domain --where 'key is present' --tag 'Description=seen by hand'
expect 'the store is whole' 0 '' bash -c "'$repute' --store s verify >/dev/null"
expect 'single entries: add replaces' 0 '{"Confidence":["7"]}' bash -c "
	'$repute' --store s --now $now add -q b.example --tag Confidence=7 &&
	'$repute' --store s --now $now lookup b.example --json | sed 's/.*\"tags\":\({[^}]*}\).*/\1/'"
at compact -q
expect 'in one layer the same' 0 'retag: matched 3, changed 3; generation 12' \
	at retag --where 'Confidence >= 7' --tag Confidence=8
refuse 'no such category' 'did you mean "Team"' at retag --where 'key is present' --untag Tam
refuse 'a value outside the list' 'not one of red, blue, green' at retag --where 'key is present' --tag Team=x
refuse 'a condition that is wrong' 'line 1, column 1' at retag --where 'Teem = red' --untag Team
refuse 'the TTL is no tag' 'expiry, which stays' at retag --where 'key is present' \
	--tag 'Reputation Entries TTL=2030-01-01'
refuse 'two values of a number' 'second, different value' at retag --where 'key is present' \
	--tag Confidence=1 --tag Confidence=2
refuse 'no condition' 'needs --where' at retag --untag Team
refuse 'no change' 'needs --tag or --untag' at retag --where 'key is present'

# ---- what profiles ask stays ---------------------------------------------------------------

fresh
at tag add Team --type list --values 'red,blue'
at tag add Source --type number --min 0 --max 9
cat >p.ini <<'END'
[profile]
name = perimeter
[action "Block"]
flow = block
[filter "Plain"]
action = Block
untagged = yes
[filter "Red"]
action = Block
where = not (team is missing or Confidence < 5) and source = 3
END
at profile import p.ini >/dev/null
refuse 'a category that a filter asks' \
	'filter "Red" of profile "perimeter" asks the tag category "Team"' at tag remove TEAM
refuse 'one that hides a word of its own' 'asks the tag category "Source"' at tag remove Source
at tag add Free --type text
expect 'another goes' 0 '' at tag remove Free
at profile remove perimeter >/dev/null
expect 'and so do they without it' 0 '' at tag remove Team

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
