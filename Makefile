# SPDX-License-Identifier: Apache-2.0
#
# One Makefile, no configure step. Sources are found by wildcard: a new file in
# engine/, loader/ or query/ is built, a new tests/test_X.c or fuzz/fuzz_X.c is
# a new program. Each VARIANT has its own folder below build/obj:
#
#   release  -O2, asserts on       what `make` installs and tests run
#   debug    -O0, deep self-checks
#   asan     -O1, AddressSanitizer + UBSan, deep self-checks
#   tsan     -O1, ThreadSanitizer
#   bench    -O2, asserts off      speed only
#   fuzz     clang libFuzzer with ASan + UBSan
#   m32      release for i386      see `make check32`
#
# make V=1 shows the commands. `make build/obj/asan/tests/test_key VARIANT=asan`
# builds one program; a unit elsewhere that does not compile is then reported
# and left out, so that it stops only those programs that need it.

VARIANT ?= release
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 60
VERSION := $(shell sed -n 's/^.define VERSION_TEXT "\(.*\)"/\1/p' engine/version.h)
SOVERSION = 0

MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(MAKELEVEL),0)
ifeq ($(filter j -j% --jobserver%,$(MAKEFLAGS)),)
MAKEFLAGS += -j2
endif
endif
ifeq ($(V),1)
Q =
SAY = @:
else
Q = @
SAY = @printf '%-4s %s\n'
endif

# ---- compiler ------------------------------------------------------------

ifeq ($(origin CC),default)
CC = $(if $(filter fuzz,$(VARIANT)),clang,gcc)
endif
B = build/obj/$(VARIANT)
WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla \
	-Wno-unused-parameter -Werror=implicit-function-declaration
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS_release = -O2 -g
CFLAGS_debug = -O0 -g -DREPUTE_DEBUG
CFLAGS_asan = -O1 -g -DREPUTE_DEBUG $(SANITIZE)
CFLAGS_tsan = -O1 -g -DREPUTE_DEBUG -fsanitize=thread
CFLAGS_bench = -O2 -g -DNDEBUG
CFLAGS_fuzz = -O1 -g -DREPUTE_DEBUG $(SANITIZE) -fsanitize=fuzzer-no-link
CFLAGS_m32 = -O2 -g -m32 -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE= -I. -fPIC -fvisibility=hidden $(WARN) $(CFLAGS_$(VARIANT)) $(CFLAGS)
LINK = $(CC) $(ALL_CFLAGS) -Wl,--as-needed $(LDFLAGS)
LIBS = -lxxhash -lidn2 -lJudy -lz -lzstd -lcrypto -lpsl -lpthread -lm $(LIBS_EXTRA)
TEST_LIBS = -lcheck -lsubunit -lrt $(LIBS)

# ---- what there is -------------------------------------------------------

FOLDERS = engine loader query
SRC_ALL = $(wildcard $(FOLDERS:=/*.c))
MAIN_SRC = $(filter %_main.c,$(SRC_ALL))
SRC = $(filter-out $(MAIN_SRC),$(SRC_ALL))
PROGRAMS = $(notdir $(MAIN_SRC:%_main.c=%))
ARCHIVES = $(B)/loader.a $(B)/query.a $(B)/engine.a
LINK_ARCHIVES = -Wl,--start-group $(ARCHIVES) -Wl,--end-group

# librepute: the read side of the engine and the public calls. $(wildcard)
# keeps a name that is not there yet from stopping the build.
LIB_NAMES = engine/status engine/kind engine/key engine/canon* engine/clock engine/tag* \
	engine/catalog* engine/hash engine/file engine/segment* engine/ptrie* engine/trie* \
	engine/store_read* engine/url* engine/idna* engine/path* engine/bytes* engine/cursor* \
	query/api* query/lookup*
LIB_NOT = engine/%_build.c engine/%_merge.c engine/%_build_entry.c
LIB_SRC = $(filter-out $(LIB_NOT),$(filter $(SRC),$(wildcard $(LIB_NAMES:=.c))))
LIB_OBJ = $(LIB_SRC:%.c=$(B)/%.o)
LIB_LIBS = -lxxhash -lidn2
HAVE_LIB = $(wildcard query/api.c)
PRODUCTS = $(PROGRAMS:%=build/%) $(if $(HAVE_LIB),build/librepute.so build/librepute.a build/repute.pc) \
	$(if $(filter repute,$(PROGRAMS)),build/man/.made)

TEST_SRC = $(wildcard tests/test_*.c)
ORACLE_SRC = $(wildcard tests/oracle_*.c)
TEST_HELPERS = $(filter-out $(TEST_SRC) $(ORACLE_SRC) tests/extra_%.c,$(wildcard tests/*.c))
TESTS = $(TEST_SRC:%.c=$(B)/%) $(ORACLE_SRC:%.c=$(B)/%)
FUZZ_NAMES = $(patsubst fuzz/fuzz_%.c,%,$(wildcard fuzz/fuzz_*.c))
FUZZ_HELPERS = $(filter-out fuzz/fuzz_%.c fuzz/replay.c,$(wildcard fuzz/*.c))
REPLAYS = $(FUZZ_NAMES:%=$(B)/fuzz/replay_%)
FUZZERS = $(FUZZ_NAMES:%=$(B)/fuzz/fuzz_%)
BENCH_SRC = $(wildcard bench/bench.c bench/bench_*.c)
BENCH_HELPERS = $(filter-out $(BENCH_SRC),$(wildcard bench/*.c))
BENCHES = $(BENCH_SRC:%.c=$(B)/%)

# ---- targets for people --------------------------------------------------

.PHONY: all demo check test asan oracle fuzz-smoke fuzz-replay lint check32 bench install clean \
	help deps deps-check test-programs fuzzers benches check-built FORCE
.SECONDARY:
.SECONDEXPANSION:
.DELETE_ON_ERROR:

all: $(PRODUCTS) ## Build the programs, librepute and the man pages

demo: deps ## Install what is missing, build, and show the main job on real sample feeds
	@$(MAKE) all
	@demo/run

check: deps-check ## Install what is missing and run everything that CI runs (under 10 minutes)
	@$(MAKE) check-built
	@tests/run unit asan oracle replay fuzz lint docs

test: test-programs all ## Build and run the unit tests
	@tests/run unit

asan: ## Build and run the unit tests under ASan and UBSan
	@$(MAKE) VARIANT=asan test-programs
	@tests/run asan

oracle: test-programs ## Long comparison with the naive twin (ORACLE_COUNT=1000000000, ORACLE_SEED=N)
	@ORACLE_COUNT=$${ORACLE_COUNT:-1000000000} SUITE_SECONDS=$${SUITE_SECONDS:-36000} tests/run oracle

fuzz-smoke: ## Fuzz each harness live for FUZZ_SECONDS (60); findings stay in build/fuzz/
	@$(MAKE) VARIANT=fuzz fuzzers
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run fuzz

fuzz-replay: ## Replay the fuzz corpus with gcc, ASan and UBSan
	@$(MAKE) VARIANT=asan test-programs
	@tests/run replay

lint: $(if $(HAVE_LIB),build/librepute.so build/librepute.a) ## Check floors, calls, sizes, exported names, scripts
	@tests/lint

check32: ## Build and run the unit tests for i386 (adds the i386 packages to this machine)
	@tests/deps check32
	@$(MAKE) VARIANT=m32 test-programs
	@tests/run unit32

bench: ## Build for speed and measure look-ups (BENCH_ARGS='--entries 1e6')
	@$(MAKE) VARIANT=bench benches
	@set -e; for b in $(BENCH_SRC:bench/%.c=build/obj/bench/bench/%); do $$b $(BENCH_ARGS); done

install: all ## Install below PREFIX (/usr/local), DESTDIR in front for packagers
	$(SAY) INST $(DESTDIR)$(PREFIX)
	$(Q)DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' VERSION='$(VERSION)' SOVERSION='$(SOVERSION)' \
		sh build/install.list

clean: ## Remove build/
	rm -rf build

help: ## Show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 14

deps: ; @tests/deps build
deps-check: ; @tests/deps check
test-programs: $(TESTS) $(REPLAYS) $(PROGRAMS:%=$(B)/%)
fuzzers: $(FUZZERS)
benches: $(BENCHES)

# Everything `check` runs, built one variant after the other; -k so that one
# broken file does not hide the others' tests, then the failure is final.
check-built:
	@$(MAKE) all test-programs
	@$(MAKE) VARIANT=asan test-programs
	@if command -v clang >/dev/null; then $(MAKE) VARIANT=fuzz fuzzers; fi

# ---- rules ---------------------------------------------------------------

LENIENT := $(filter build/obj/%,$(MAKECMDGOALS))

# Rewritten only when the text differs: other flags rebuild, a removed source
# leaves the archives.
STAMP = @mkdir -p $(@D); printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' >$@
$(B)/flags: FORCE ; $(call STAMP,$(CC) $(ALL_CFLAGS) $(LDFLAGS))
$(B)/sources: FORCE ; $(call STAMP,$(sort $(wildcard */*.c)))

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@ $(if $(LENIENT),|| { rm -f $@; echo "left out: $<" >&2; })

define ARCHIVE
$(B)/$(1).a: $(2:%.c=$(B)/%.o) $(B)/sources
	@mkdir -p $$(@D); rm -f $$@
	@ar rcs $$@ $$$$(for o in $(2:%.c=$(B)/%.o); do [ ! -f $$$$o ] || echo $$$$o; done)
endef
$(foreach f,$(FOLDERS),$(eval $(call ARCHIVE,$f,$(filter $f/%,$(SRC)))))
$(eval $(call ARCHIVE,tests/helpers,$(TEST_HELPERS)))
$(eval $(call ARCHIVE,fuzz/helpers,$(FUZZ_HELPERS)))
$(eval $(call ARCHIVE,bench/helpers,$(BENCH_HELPERS)))

# tests/extra_X.c, where there is one, belongs to tests/test_X.c alone.
EXTRA = $(patsubst %.c,$(B)/%.o,$(wildcard tests/extra_$(1).c))
$(B)/tests/test_%: $(B)/tests/test_%.o $$(call EXTRA,$$*) $(B)/tests/helpers.a $(ARCHIVES)
	$(SAY) LD $(@:build/obj/%=%)
	$(Q)$(LINK) $< $(call EXTRA,$*) $(B)/tests/helpers.a $(LINK_ARCHIVES) -o $@ $(TEST_LIBS)

$(B)/tests/oracle_%: $(B)/tests/oracle_%.o $(B)/tests/helpers.a $(ARCHIVES)
	$(SAY) LD $(@:build/obj/%=%)
	$(Q)$(LINK) $< $(B)/tests/helpers.a $(LINK_ARCHIVES) -o $@ $(TEST_LIBS)

$(B)/fuzz/replay_%: $(B)/fuzz/fuzz_%.o $(B)/fuzz/replay.o $(B)/fuzz/helpers.a $(ARCHIVES)
	$(SAY) LD $(@:build/obj/%=%)
	$(Q)$(LINK) $< $(B)/fuzz/replay.o $(B)/fuzz/helpers.a $(LINK_ARCHIVES) -o $@ $(LIBS)

$(B)/fuzz/fuzz_%: $(B)/fuzz/fuzz_%.o $(B)/fuzz/helpers.a $(ARCHIVES)
	$(SAY) LD $(@:build/obj/%=%)
	$(Q)$(LINK) -fsanitize=fuzzer $< $(B)/fuzz/helpers.a $(LINK_ARCHIVES) -o $@ $(LIBS)

$(BENCHES): %: %.o $(B)/bench/helpers.a $(ARCHIVES)
	$(SAY) LD $(@:build/obj/%=%)
	$(Q)$(LINK) $< $(B)/bench/helpers.a $(LINK_ARCHIVES) -o $@ $(LIBS)

define PROGRAM
$(B)/$(notdir $(1)): $(B)/$(1)_main.o $(ARCHIVES)
	$$(SAY) LD $$(@:build/obj/%=%)
	$$(Q)$$(LINK) $$< $$(LINK_ARCHIVES) -o $$@ $$(LIBS)
build/$(notdir $(1)): build/obj/release/$(notdir $(1))
	$$(Q)ln -f $$< $$@
endef
$(foreach m,$(MAIN_SRC:%_main.c=%),$(eval $(call PROGRAM,$m)))

# Only repute_* leaves the library: hidden visibility for the shared one; the
# static one is a single object whose other names are made local.
build/librepute.so.$(VERSION): $(LIB_OBJ) $(B)/sources
	$(SAY) LD $@
	$(Q)$(LINK) -shared -Wl,-soname,librepute.so.$(SOVERSION) -Wl,-z,defs $(LIB_OBJ) -o $@ $(LIB_LIBS)

build/librepute.so: build/librepute.so.$(VERSION)
	$(Q)ln -sf $(<F) build/librepute.so.$(SOVERSION) && ln -sf librepute.so.$(SOVERSION) $@

build/librepute.a: $(LIB_OBJ) $(B)/sources
	$(SAY) AR $@
	$(Q)ld -r $(LIB_OBJ) -o $(B)/librepute.o
	$(Q)objcopy --wildcard --keep-global-symbol='repute_*' $(B)/librepute.o
	$(Q)rm -f $@ && ar rcs $@ $(B)/librepute.o

build/repute.pc: engine/version.h Makefile
	@mkdir -p $(@D)
	$(Q)printf '%s\n' 'prefix=$(PREFIX)' 'includedir=$${prefix}/include' 'libdir=$${prefix}/lib' '' \
		'Name: repute' 'Description: reputation database, look-up library' \
		'URL: https://example.org/repute' 'Version: $(VERSION)' 'Requires.private: libidn2 libxxhash' \
		'Libs: -L$${libdir} -lrepute' 'Cflags: -I$${includedir}' >$@

build/man/.made: build/repute
	$(SAY) MAN build/man
	$(Q)rm -rf build/man && mkdir -p build/man && build/repute help --man >build/man/repute.1
	$(Q)for c in $$(build/repute help --commands); do \
		build/repute help --man $$c >build/man/repute-$$c.1 || exit 1; done
	$(Q)build/repute help --completion >build/man/repute.bash
	$(Q)touch $@

-include $(patsubst %.c,$(B)/%.d,$(wildcard */*.c))
