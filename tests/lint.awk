# SPDX-License-Identifier: Apache-2.0
# C without comments and without what stands in quotes, line for line:
# FILE, LINE, TEXT with the byte \034 between them. Strings keep their quotes, so that #include "..." is
# given back as it stands (the only lines where a string matters).

BEGIN {
	rest["'"] = "^([^'\\\\]|\\\\.)*'"
	rest["\""] = "^([^\"\\\\]|\\\\.)*\""
}

FNR == 1 { comment = 0 }

{
	line = $0
	out = ""
	if (!comment && line ~ /^[ \t]*#[ \t]*include/) {
		sub(/\/\*.*/, "", line)
		print FILENAME "\034" FNR "\034" line
		next
	}
	while (line != "") {
		if (comment) {
			end = index(line, "*/")
			if (end == 0) break
			line = substr(line, end + 2)
			comment = 0
		} else if (match(line, /\/\*|\/\/|"|'/)) {
			mark = substr(line, RSTART, RLENGTH)
			out = out substr(line, 1, RSTART - 1)
			line = substr(line, RSTART + RLENGTH)
			if (mark == "//") break
			if (mark == "/*") comment = 1
			else if (match(line, rest[mark])) {
				out = out mark mark
				line = substr(line, RLENGTH + 1)
			} else break
		} else {
			out = out line
			line = ""
		}
	}
	print FILENAME "\034" FNR "\034" out
}
