# SPDX-License-Identifier: Apache-2.0
# The walk of tests/locks: sections, symbols and pointers first, then the code. Addresses
# are lower-case hexadecimal without leading zeros, as objdump writes them.

function trim(address) {
	sub(/^0+/, "", address)
	return address
}

function number(address, i, sum) {
	for (i = 1; i <= length(address); i++)
		sum = sum * 16 + index("0123456789abcdef", substr(address, i, 1)) - 1
	return sum + 0
}

function hexadecimal(value, text) {
	while (value > 0) {
		text = substr("0123456789abcdef", value % 16 + 1, 1) text
		value = int(value / 16)
	}
	return text
}

# The start of what "1a4b0 <name+0x10>" lies in
function start_of(address, place) {
	if (place !~ /\+0x/) return address
	sub(/.*\+0x/, "", place)
	sub(/>.*/, "", place)
	return hexadecimal(number(address) - number(place))
}

function is_writable(address, at, i) {
	at = number(address)
	for (i = 1; i <= areas; i++)
		if (at >= area_from[i] && at < area_to[i]) return 1
	return 0
}

function add(list, from, what) {
	list[from] = list[from] " " what
}

function fault(text) {
	if (known != "" && name[here] " " text ~ known) return
	add_fault[++faults] = here
	fault_text[faults] = text
}

# ---- what is said before the code ------------------------------------------------

$1 == "section" && $2 ~ /^\.(data|bss|tdata|tbss)$/ {
	areas++
	area_from[areas] = number(trim($4))
	area_to[areas] = area_from[areas] + number(trim($6))
}
$1 == "symbol" {
	address = trim($2)
	if ($4 == "FUNC") { is_function[address] = function_named[$5] = 1; if ($5 ~ roots) root[address] = 1 }
	else { objects++; object[objects] = address; object_from[objects] = number(address); object_size[objects] = $3 }
}
$1 == "slot" { slot[trim($2)] = $3 }
$1 == "pointer" {
	pointers++
	pointer_at[pointers] = number(trim($2))
	pointer_to[pointers] = trim($3)
}
$1 == "code" && NF == 1 {
	# pointers by the object that they stand in
	for (p = 1; p <= pointers; p++) {
		for (o = 1; o <= objects; o++)
			if (pointer_at[p] >= object_from[o] && pointer_at[p] < object_from[o] + object_size[o])
				add(held, object[o], pointer_to[p])
		if (pointer_to[p] in is_function) taken[pointer_to[p]] = 1
	}
	in_code = 1
	next
}
!in_code { next }

# ---- the code ----------------------------------------------------------------------

/^[0-9a-f]+ <.*>:$/ {
	here = trim($1)
	name[here] = substr($2, 2, length($2) - 3)
	by_name[name[here]] = here
	relative = 0
	next
}
NF < 2 || here == "" { next }
{
	code = $0
	sub(/^ *[0-9a-f]+:[ \t]*/, "", code)
	comment = ""
	if (match(code, / *# [0-9a-f]+ <.*>/)) {
		comment = substr(code, RSTART)
		sub(/^ *# /, "", comment)
		code = substr(code, 1, RSTART - 1)
	}
	split(code, word, /[ \t]+/)
	operation = word[1]
	if (operation ~ /^(bnd|notrack|rep|repz|repnz|data16|cs)$/) operation = word[2]
	last = code
	sub(/.*[ \t]/, "", last)
	if (match(last, /\)$/)) { whole = last; sub(/.*,[^(,]*\(|^[^(]*\(/, "(", last); if (whole ~ /%rip\)$/) last = "(%rip)" }
	if (operation == "movslq") relative = 4
	else if (relative > 0) relative--
}
operation == "lock" { fault("lock: " code) }
operation ~ /^xchg/ && code ~ /\(/ { fault("xchg with memory: " code) }

# direct calls and jumps; out of the library by way of the plt or the got
operation ~ /^(call|j[a-z]+)$/ && code ~ /<.*>$/ {
	split(code, word, /[ \t]+/)
	place = word[2] " " word[3]
	if (place ~ /@plt/) {
		called = place
		sub(/.*</, "", called); sub(/@.*/, "", called)
		if (called !~ allowed) fault("calls " called)
		add(calls_name, here, called)
	} else {
		target = start_of(word[2], word[3])
		if (target != here) add(calls, here, target)
	}
	next
}
operation ~ /^(call|jmp)$/ && code ~ /\*/ {
	if (comment ~ /@/) {
		called = comment
		sub(/.*</, "", called); sub(/@.*/, "", called)
		if (called !~ allowed) fault("calls " called)
	} else if (!(operation == "jmp" && relative > 0)) {
		indirect[here] = code
	}
	next
}
comment != "" {
	split(comment, word, " ")
	target = start_of(word[1], word[2])
	if (word[1] in slot && !(slot[word[1]] in function_named)) fault("global: " slot[word[1]])
	if (operation ~ /^lea/ && target in is_function) { add(calls, here, target); taken[target] = takes[here] = 1 }
	else add(names, here, target)
	if (operation ~ /^lea/ && is_writable(word[1])) fault("address of writable memory: " code " " word[2])
}
last == "(%rip)" && operation !~ /^(cmp|test|bt$|bt[lwq]$|push|prefetch|nop|lea|ucomis|comis|vucomis|vcomis|vptest|ptest)/ {
	fault("store: " code " " comment)
}

# ---- the walk ----------------------------------------------------------------------

# All functions in an object, and in the objects that it points to
function reach_object(address, from, list, n, i) {
	if ((address, "o") in been) return 0
	been[address, "o"] = 1
	n = split(held[address], list, " ")
	for (i = 1; i <= n; i++) {
		tables++
		if (list[i] in is_function) reach(list[i], from)
		else reach_object(list[i], from)
	}
	return n
}

function reach(address, from) {
	if (address in parent) return
	parent[address] = from
	queue[++tail] = address
}

function chain(address, text) {
	while (address != "root") {
		text = text (text == "" ? "" : " < ") name[address]
		address = parent[address]
	}
	return text
}

END {
	for (address in root) { reach(address, "root"); started++ }
	for (head = 1; head <= tail; head++) {
		address = queue[head]
		n = split(calls[address], list, " ")
		for (i = 1; i <= n; i++) reach(list[i], address)
		n = split(calls_name[address], list, " ")
		for (i = 1; i <= n; i++) if (list[i] in by_name) reach(by_name[list[i]], address)
		n = split(names[address], list, " ")
		before = tables
		held_here = 0
		for (i = 1; i <= n; i++) {
			if (held[list[i]] != "") held_here = 1
			reach_object(list[i], address)
		}
		if (address in indirect && !held_here && !(address in takes)) for (other in taken) reach(other, address)
	}
	for (i = 1; i <= faults; i++)
		if (add_fault[i] in parent) { bad++; print chain(add_fault[i]) ": " fault_text[i] }
	if (started == 0) { print "nothing to walk from"; bad++ }
	print "# " tail " functions from " started + 0 " calls, " bad + 0 " faults"
	for (i = 1; verbose && i <= tail; i++) print "# " chain(queue[i])
	exit bad > 0
}
