# SPDX-License-Identifier: Apache-2.0
# First cut; variants: release (default), debug, asan (ASan+UBSan), tsan.
VARIANT ?= release
CC ?= cc
B = build/obj/$(VARIANT)
WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla -Wno-unused-parameter
CFLAGS_release = -O2 -g -DNDEBUG_KEEP_ASSERTS
CFLAGS_debug = -O0 -g -DREPUTE_DEBUG
CFLAGS_asan = -O1 -g -DREPUTE_DEBUG -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS_tsan = -O1 -g -DREPUTE_DEBUG -fsanitize=thread
ALL_CFLAGS = -std=gnu11 -I. -fPIC -fvisibility=hidden -MMD -MP $(WARN) $(CFLAGS_$(VARIANT)) $(CFLAGS)
LIBS = -lxxhash -lidn2 -lJudy -lz -lzstd -lcrypto -lpsl -lpthread
SRC = $(filter-out %_main.c,$(wildcard engine/*.c loader/*.c query/*.c))
OBJ = $(SRC:%.c=$(B)/%.o)
TESTS = $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/test_*.c))
all: $(OBJ)
$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c $< -o $@
$(B)/all.a: $(OBJ)
	@rm -f $@; ar rcs $@ $(OBJ)
$(B)/tests/test_%: $(B)/tests/test_%.o $(B)/all.a
	$(CC) $(ALL_CFLAGS) $< $(wildcard $(B)/tests/extra_$*.o) $(B)/all.a -o $@ $(LIBS) -lcheck -lsubunit -lm -lrt
test: $(TESTS)
	@set -e; for t in $(TESTS); do $$t; done
.SECONDARY:
-include $(shell find build/obj -name '*.d' 2>/dev/null)
