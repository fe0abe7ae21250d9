# SPDX-License-Identifier: Apache-2.0
# JSON lines to tables (bench/table). Each case is kept under the names of its row and column;
# rows, columns and tables come out as they were first seen.

# The value of a name in the line at hand, without quotes; "" if there is none
function field(name, text) {
	if (!match($0, "\"" name "\":")) return ""
	text = substr($0, RSTART + RLENGTH)
	if (text ~ /^"/) { sub(/^"/, "", text); sub(/".*/, "", text) }
	else sub(/[,}].*/, "", text)
	return text
}

function commas(number, text) {
	text = number ""
	while (match(text, /[0-9][0-9][0-9][0-9]($|,)/))
		text = substr(text, 1, RSTART) "," substr(text, RSTART + 1)
	return text
}

# Three figures that mean something
function short(number) {
	if (number == "") return ""
	if (number + 0 >= 100) return sprintf("%.0f", number)
	if (number + 0 >= 10) return sprintf("%.1f", number)
	return sprintf("%.2f", number)
}

function keep(list, name) {
	if (!((list, name) in seen)) {
		seen[list, name] = 1
		items[list, ++size[list]] = name
	}
}

function put(table, row, column, value) {
	keep("tables", table)
	keep("rows" table, row)
	keep("columns" table, column)
	cell[table, row, column] = value
}

/"who":/ {
	table = field("class") ", " field("table") ": " commas(field("entries")) " entries"
	row = field("who")
	stream = field("stream")
	put(table, row, stream " " field("mode"), short(field("ns_median")))
	if (field("mode") == "batch") put(table, row, "ratio " stream, sprintf("%.2f", field("ratio_to_repute")))
	bytes[table, row] = short(field("bytes_per_entry"))
	seconds[table, row] = field("build_seconds") > 0.01 ? sprintf("%.1f", field("build_seconds")) : "–"
	if (field("wrong") > 0) wrong[table, row] = 1
	peers[table] = 1
	next
}
/"machine":"random-line"/ && field("entries") != "" {
	table = field("class") ", " field("table") ": " commas(field("entries")) " entries"
	put(table, "*random line*", field("stream") " " field("mode"), short(field("ns_median")))
	next
}
field("bench") == "scale" {
	row = field("class") ", " commas(field("entries")) " entries, " field("stream")
	column = field("how")
	put("Scaling", row, column (column == "one" ? "" : " (" field("workers") ")") ", M/s", \
		sprintf("%.1f", field("per_second_median") / 1e6))
	if (column != "one") put("Scaling", row, "ratio " column, sprintf("%.2f", field("ratio_to_one")))
	next
}
field("bench") == "memory" {
	row = field("class") ", " commas(field("entries"))
	n = split("disk hot warm cold mapped resident_miss resident_hit cached_miss cached_hit", name, " ")
	for (i = 1; i <= n; i++) {
		column = name[i]
		gsub(/_/, " ", column)
		put("Memory: bytes an entry", row, column, short(field(name[i])))
	}
	put("Memory: bytes an entry", row, "open ms, cold cache", short(field("open_ms_cold")))
	put("Memory: bytes an entry", row, "open ms, warm", short(field("open_ms_warm")))
	put("Readers: proportional set size, MB", row, "one", short(field("pss_one_mb")))
	put("Readers: proportional set size, MB", row, field("readers") " together", short(field("pss_all_mb")))
	next
}
field("bench") == "shrink" {
	row = "after " field("after") ": " commas(field("entries")) " entries"
	n = split("disk mapped resident pss", name, " ")
	for (i = 1; i <= n; i++) put("Shrinking, MB", row, name[i], short(field(name[i] "_mb")))
	next
}
field("bench") == "layers" {
	row = field("class") ", " commas(field("entries")) ", " field("stream") ", " field("mode")
	count = field("overlays")
	if (count == 0) put("Overlays of " commas(field("overlay_entries")) " entries", row, "none, ns", short(field("ns_median")))
	else put("Overlays of " commas(field("overlay_entries")) " entries", row, "ratio, " count, sprintf("%.2f", field("ratio_to_none")))
	next
}
field("bench") == "ways" {
	row = field("class") ", " commas(field("entries")) ", " field("stream") ", " field("mode")
	column = field("pages") == "as mapped" ? field("path") : field("pages")
	first = !(("Instruction sets and pages", row) in best)
	best["Instruction sets and pages", row] = 1
	put("Instruction sets and pages", row, column (first ? ", ns" : ""), first ? short(field("ns_median")) : sprintf("%.2f", field("ratio_to_best")))
	next
}
field("bench") == "import" {
	row = field("what")
	put("Import", row, "entries", commas(field("entries")))
	put("Import", row, "seconds", short(field("seconds")))
	put("Import", row, "processor seconds", short(field("cpu_seconds")))
	put("Import", row, "entries a second", commas(sprintf("%.0f", field("entries_per_second"))))
	put("Import", row, "peak MB", field("peak_mb") == "" ? "–" : sprintf("%.0f", field("peak_mb")))
	next
}

field("bench") == "delta" {
	row = (field("way") == "delta" ? "a delta" : "a mirror") ", base of " commas(field("entries"))
	put("1,000 changes", row, "CPU ms (worst)", short(field("cpu_ms")) " (" short(field("cpu_ms_most")) ")")
	if (field("way") == "delta")
		put("1,000 changes", row, "waits for the disk: times, ms", field("syncs") ", " short(field("sync_ms")))
	put("1,000 changes", row, "KB written (worst)", field("written_kb") " (" field("written_kb_most") ")")
	put("1,000 changes", row, "KB read", field("read_kb"))
	put("1,000 changes", row, "page faults", field("faults"))
	put("1,000 changes", row, "seen after ms (worst)", short(field("seen_ms")) " (" short(field("seen_ms_most")) ")")
	put("1,000 changes", row, "reader CPU ms (worst)", field("refresh_cpu_ms") " (" field("refresh_cpu_ms_most") ")")
	next
}
field("bench") == "flood" {
	n = split("hit_ratio miss_ratio view_hit_ratio view_miss_ratio", name, " ")
	worst = 0
	for (i = 1; i <= n; i++) if (field(name[i]) + 0 > worst) worst = field(name[i]) + 0
	put("Chosen keys: build / apply / worst look-up", field("way"), field("kind"), \
		sprintf("%.2f / %.2f / %.2f", field("build_ratio"), field("apply_ratio"), worst))
	next
}
field("bench") == "deltas" {
	row = field("chain")
	put("Delta chains", row, "versions", field("versions"))
	put("Delta chains", row, "entries", commas(field("entries_least")) " to " commas(field("entries_most")))
	put("Delta chains", row, "values read", commas(field("values")))
	n = split("refused duplicates added removed updated renewed", name, " ")
	for (i = 1; i <= n; i++) put("Delta chains", row, name[i], commas(field(name[i])))
	put("Delta chains", row, "CPU ms a version (most)", field("cpu_ms_median") " (" field("cpu_ms_most") ")")
	put("Delta chains", row, "layers", field("layers_most"))
	put("Delta chains", row, "KB of layers, journal at most, compacted", \
		sprintf("%.0f, %.0f, %.0f", field("layer_bytes_most") / 1024, field("other_bytes_most") / 1024, \
		field("compacted_bytes") / 1024))
	put("Delta chains", row, "answers judged", commas(field("answers")))
	next
}

# Columns with "ratio" after the others, in tables of peers
function columns_of(table, order, n, i, pass) {
	n = 0
	for (pass = 0; pass < 2; pass++)
		for (i = 1; i <= size["columns" table]; i++)
			if (!(table in peers) ? pass == 0 : (items["columns" table, i] ~ /^ratio/) == pass)
				order[++n] = items["columns" table, i]
	return n
}

function print_table(table, n, r, c, row, head, rule, line, value) {
	n = columns_of(table, order)
	head = "| |"
	rule = "|---|"
	for (c = 1; c <= n; c++) { head = head " " order[c] " |"; rule = rule "---|" }
	if (table in peers) { head = head " bytes/entry | build s |"; rule = rule "---|---|" }
	printf "### %s\n\n%s\n%s\n", table, head, rule
	for (r = 1; r <= size["rows" table]; r++) {
		row = items["rows" table, r]
		line = "| " row ((table, row) in wrong ? " †" : "") " |"
		for (c = 1; c <= n; c++) {
			value = cell[table, row, order[c]]
			line = line " " (row == "*random line*" && value != "" ? "*" value "*" : value) " |"
		}
		if (table in peers) line = line " " bytes[table, row] " | " seconds[table, row] " |"
		print line
	}
	print ""
}

END {
	for (t = 1; t <= size["tables"]; t++) print_table(items["tables", t])
}
