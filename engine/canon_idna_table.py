#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write engine/canon_idna_table.c: what UTS-46 has and the installed libidn2 refuses.

Needs libidn2 and the Python package `idna` 3.13 (for its copy of the UTS-46 mapping
table of Unicode 17). Run it after either changes, read the difference, and raise
CANON_VERSION if any key comes out differently:

    engine/canon_idna_table.py > engine/canon_idna_table.c
"""
import bisect
import ctypes
import unicodedata

from idna.uts46data import uts46data

LIB = ctypes.CDLL("libidn2.so.0")
LIB.idn2_lookup_u8.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int]
NONTRANSITIONAL = 8
STARTS = [row[0] for row in uts46data]
# a letter before and after, of each direction; alone for what stands alone
AROUND = [("a", "b"), ("\u05d0", "\u05d0"), ("\u0643", "\u0643"), ("", "")]
STANDS = {"L": "l", "ON": "n", "ET": "n", "R": "r", "AL": "r", "EN": "e", "AN": "a"}

HEAD = """/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the UTS-46 mapping table of Unicode 17 has and libidn2 2.3.3 refuses.
 *
 * Written by engine/canon_idna_table.py, which asks libidn2 about every code point and
 * compares with the table (Unicode-3.0 licence). libidn2 accepts nothing that
 * the table does not, but refuses symbols (emoji too) that IDNA2008 disallows
 * and UTS-46 keeps, and what was assigned or became mapped later. Left out on
 * purpose, so libidn2's refusal stands: combining marks, Jamo that compose,
 * and what maps to several code points.
 */
#include "engine/canon_idna.h"
"""


def row_of(point):
    row = uts46data[bisect.bisect_right(STARTS, point) - 1]
    return row[1], row[2] if len(row) > 2 else None


def lookup(text):
    out = ctypes.c_char_p()
    code = LIB.idn2_lookup_u8(text.encode(), ctypes.byref(out), NONTRANSITIONAL)
    return out.value.decode() if code == 0 else None


def to_ascii(text):
    text = unicodedata.normalize("NFC", text)
    labels = [l if l.isascii() else "xn--" + l.encode("punycode").decode() for l in text.split(".")]
    return ".".join(labels)


def agrees(point, status, mapped):
    means = {"V": chr(point), "M": mapped, "I": ""}[status]
    return any(lookup(a + chr(point) + b) == to_ascii(a + means + b) for a, b in AROUND)


def composing():
    """Points that take part in canonical compositions, but for the overlay of symbols."""
    out = set()
    for point in range(0x110000):
        parts = unicodedata.decomposition(chr(point))
        parts = [] if parts.startswith("<") else [int(p, 16) for p in parts.split()]
        if len(parts) == 2:
            out.add(parts[1])
            if parts[1] != 0x338:
                out.add(parts[0])
    return out


def is_jamo(point):
    return 0x1100 <= point <= 0x1112 or 0x1161 <= point <= 0x1175 or 0x11A8 <= point <= 0x11C2


def stand_of_new(point):
    """Points that this Python's Unicode does not know yet: by block."""
    neutral = [(0x1F000, 0x1FBFF), (0x2B00, 0x2BFF), (0x20A0, 0x20CF), (0x2FF0, 0x2FFF),
               (0x31E4, 0x31E5), (0x31EF, 0x31EF)]
    left = [(0x2EBF0, 0x2EE5F), (0x31350, 0x3347F), (0x18CFF, 0x18DFF), (0x13460, 0x143FF),
            (0x1C89, 0x1C8A), (0xA7C0, 0xA7FE)]
    for stand, blocks in (("n", neutral), ("l", left)):
        if any(first <= point <= last for first, last in blocks):
            return stand
    return None


def stand_of(point, parts):
    char = chr(point)
    if point in parts or is_jamo(point) or unicodedata.category(char).startswith("M"):
        return None
    if unicodedata.category(char) == "Cn":
        return stand_of_new(point)
    return STANDS.get(unicodedata.bidirectional(char))


def ranges(pairs):
    out = []
    for point, value in pairs:
        if out and out[-1][1] == point - 1 and out[-1][2] == value:
            out[-1][1] = point
        else:
            out.append([point, point, value])
    return out


def print_table(comment, kind, name, rows, form):
    cells = [form % tuple(row) for row in rows]
    print(f"\n/* {comment} */\nconst struct canon_idna_{kind} canon_idna_{name}[] = {{")
    for i in range(0, len(cells), 3):
        print("\t" + " ".join(cells[i:i + 3]))
    print("};\nconst size_t canon_idna_%s_count = sizeof(canon_idna_%s) / sizeof(canon_idna_%s[0]);"
          % (name, name, name))


def main():
    parts, valid, mapped, ignored = composing(), [], [], []
    for point in range(0x80, 0x110000):
        status, means = row_of(point)
        status = "V" if status == "D" else status
        if 0xD800 <= point < 0xE000 or status == "X" or agrees(point, status, means):
            continue
        if status == "I":
            ignored.append((point, 0))
        elif status == "V" and stand_of(point, parts):
            valid.append((point, stand_of(point, parts)))
        elif status == "M" and len(means) == 1 and ord(means) >= 0x80 and not is_jamo(ord(means)):
            mapped.append((point, ord(means) - point))
    print(HEAD, end="")
    print_table("Valid; by what stands in for it: n neutral, l left to right, r right to left, "
                "e and a digits.", "valid", "valid", ranges(valid), "{ 0x%05x, 0x%05x, '%s' },")
    print_table("Mapped to one code point: itself plus the number.", "mapped", "mapped",
                ranges(mapped), "{ 0x%05x, 0x%05x, %d },")
    print_table("Ignored (mapped to nothing).", "mapped", "ignored", ranges(ignored),
                "{ 0x%05x, 0x%05x, %d },")


main()
