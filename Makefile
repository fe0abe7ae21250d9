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
#   m32      release for i386, clang     see `make check32`
#
# make V=1 shows the commands. `make build/obj/asan/tests/test_key VARIANT=asan`
# builds one program; a unit elsewhere that does not compile is then reported
# and left out, so that it stops only those programs that need it (LENIENT=1
# asks for the same of any target).

VARIANT ?= release
PREFIX ?= /usr/local
DESTDIR ?=
LIBDIR ?= $(PREFIX)/lib$(if $(filter /usr,$(PREFIX)),/$(shell $(CC) -print-multiarch))
D_BIN = $(DESTDIR)$(PREFIX)/bin
D_LIB = $(DESTDIR)$(LIBDIR)
D_INCLUDE = $(DESTDIR)$(PREFIX)/include
D_SHARE = $(DESTDIR)$(PREFIX)/share
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
CC = $(if $(filter fuzz m32,$(VARIANT)),clang,gcc)
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
CFLAGS_fuzz = -Wno-sign-compare -O1 -g -DREPUTE_DEBUG $(SANITIZE) -fsanitize=fuzzer-no-link
CFLAGS_m32 = -Wno-sign-compare -O2 -g --target=i686-linux-gnu --sysroot=$(I386) -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64
LDFLAGS_m32 = -Wl,--dynamic-linker,$(I386)/lib/i386-linux-gnu/ld-linux.so.2 \
	-Wl,--disable-new-dtags,-rpath,$(I386)/lib/i386-linux-gnu:$(I386)/usr/lib/i386-linux-gnu
I386 = $(CURDIR)/build/i386/root
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE= -I. -fPIC -fvisibility=hidden $(WARN) $(CFLAGS_$(VARIANT)) $(CFLAGS)
LINK = $(CC) $(ALL_CFLAGS) -Wl,--as-needed $(LDFLAGS_$(VARIANT)) $(LDFLAGS)
LIBS = -lxxhash -lidn2 -lJudy -lcjson -lz -lzstd -lcrypto -lpsl -lpcap -lpthread -lm $(LIBS_$(VARIANT)) $(LIBS_EXTRA)
LIBS_m32 = -latomic
TEST_LIBS = -lcheck -lsubunit -lrt $(LIBS)

# ---- what there is -------------------------------------------------------

FOLDERS = engine loader query
SRC_ALL = $(wildcard $(FOLDERS:=/*.c))
MAIN_SRC = $(filter %_main.c,$(SRC_ALL))
SRC = $(filter-out $(MAIN_SRC),$(SRC_ALL))
PROGRAMS = $(notdir $(MAIN_SRC:%_main.c=%))
ARCHIVES = $(B)/loader.a $(B)/query.a $(B)/engine.a
LINK_ARCHIVES = -Wl,--start-group $(ARCHIVES) -Wl,--end-group

# librepute: the public calls and what they need, which the linker finds. That
# it needs no more than these libraries keeps the write side out of it.
LIB_OBJ = $(patsubst %.c,$(B)/%.o,$(wildcard query/api*.c))
LIB_PARTS = $(LIB_OBJ) -Wl,--start-group $(B)/query.a $(B)/engine.a -Wl,--end-group
LIB_LIBS = -lxxhash -lidn2
HAVE_LIB = $(wildcard query/api.c)
PRODUCTS = $(PROGRAMS:%=build/%) $(if $(HAVE_LIB),build/librepute.so build/librepute.a build/repute.pc) \
	$(if $(filter repute,$(PROGRAMS)),build/man/.made)

TEST_SRC = $(wildcard tests/test_*.c)
ORACLE_SRC = $(wildcard tests/oracle_*.c)
TEST_HELPERS = $(filter-out $(TEST_SRC) $(ORACLE_SRC) tests/extra_%.c tests/campaign_%.c,$(wildcard tests/*.c))
TESTS = $(TEST_SRC:%.c=$(B)/%) $(ORACLE_SRC:%.c=$(B)/%)
FUZZ_NAMES = $(patsubst fuzz/fuzz_%.c,%,$(wildcard fuzz/fuzz_*.c))
FUZZ_HELPERS = $(filter-out fuzz/fuzz_%.c fuzz/replay.c,$(wildcard fuzz/*.c))
REPLAYS = $(FUZZ_NAMES:%=$(B)/fuzz/replay_%)
FUZZERS = $(FUZZ_NAMES:%=$(B)/fuzz/fuzz_%)
BENCH_SRC = $(wildcard bench/bench.c bench/bench_*.c)
BENCH_HELPERS = $(filter-out $(BENCH_SRC),$(wildcard bench/*.c))
BENCHES = $(BENCH_SRC:%.c=$(B)/%)

# ---- targets for people --------------------------------------------------

.PHONY: all demo real check test asan oracle fuzz-smoke fuzz-replay lint check32 bench install clean \
	help deps deps-check test-programs fuzzers benches check-built built-release \
	built-asan built-fuzz FORCE
.SECONDARY:
.SECONDEXPANSION:
.DELETE_ON_ERROR:

all: $(PRODUCTS) ## Build the programs, librepute and the man pages

demo: deps ## Install what is missing, build, and show the main job on real sample feeds
	@$(MAKE) all
	@$(MAKE) VARIANT=bench build/obj/bench/bench/bench
	@docs/demo

DATA ?= ../shared/data
real: all ## All lists of DATA (default ../shared/data) into one store, benign streams against it
	@docs/real $(DATA) build/real

check: deps-check ## Install what is missing and run everything that CI runs (about 15 minutes of CPU time)
	@$(MAKE) -k check-built || echo 'check: not everything could be built; what is missing counts as failed'
	@tests/run unit asan oracle replay campaign tsan model fuzz lint docs

test: test-programs all ## Build and run the unit tests
	@tests/run unit

asan: ## Build and run the unit tests under ASan and UBSan
	@$(MAKE) VARIANT=asan test-programs
	@tests/run asan

oracle: test-programs ## Long comparison with the naive twin (ORACLE_LOOKUPS=1000000000, ORACLE_SEED=N)
	@ORACLE_SEED=$${ORACLE_SEED:-$$(date +%s)} ORACLE_LOOKUPS=$${ORACLE_LOOKUPS:-1000000000} SUITE_SECONDS=$${SUITE_SECONDS:-36000} tests/run oracle

fuzz-smoke: ## Fuzz each harness live for FUZZ_SECONDS (60); findings stay in build/fuzz/
	@$(MAKE) VARIANT=fuzz fuzzers
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/run fuzz

fuzz-replay: ## Replay the fuzz corpus with gcc, ASan and UBSan
	@$(MAKE) VARIANT=asan test-programs
	@tests/run replay

lint: $(if $(HAVE_LIB),build/librepute.so build/librepute.a) ## Check floors, calls, sizes, exported names, scripts
	@tests/lint

check32: ## Build and run the unit tests for i386 (its libraries go to build/i386)
	@tests/deps check32
	@$(MAKE) VARIANT=m32 test-programs
	@tests/run unit32

bench: ## Build for speed and measure look-ups (BENCH_ARGS='--entries 1e6')
	@$(MAKE) VARIANT=bench benches
	@build/obj/bench/bench/bench $(BENCH_ARGS)

install: all ## Install below PREFIX (/usr/local), LIBDIR for the library, DESTDIR in front for packagers
	$(SAY) INST '$(DESTDIR)$(PREFIX)'
	$(Q)install -d '$(D_BIN)' '$(D_LIB)/pkgconfig' '$(D_INCLUDE)' '$(D_SHARE)/man/man1' \
		'$(D_SHARE)/bash-completion/completions'
	$(Q)install -m 755 $(PROGRAMS:%=build/%) '$(D_BIN)'
	$(Q)install -m 644 query/repute.h '$(D_INCLUDE)'
	$(Q)install -m 644 build/librepute.so.$(VERSION) build/librepute.a '$(D_LIB)'
	$(Q)ln -sf librepute.so.$(VERSION) '$(D_LIB)/librepute.so.$(SOVERSION)'
	$(Q)ln -sf librepute.so.$(SOVERSION) '$(D_LIB)/librepute.so'
	$(Q)install -m 644 build/repute.pc '$(D_LIB)/pkgconfig'
	$(Q)install -m 644 build/man/*.1 '$(D_SHARE)/man/man1'
	$(Q)install -m 644 build/man/repute.bash '$(D_SHARE)/bash-completion/completions/repute'
	$(Q)[ -n '$(DESTDIR)' ] || [ "$$(id -u)" -ne 0 ] || ldconfig

clean: ## Remove build/
	rm -rf build

help: ## Show this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' Makefile bench/*.mk tests/*.mk | expand -t 14

deps: ; @tests/deps build
deps-check: ; @tests/deps check
test-programs: $(TESTS) $(REPLAYS) $$(CAMPAIGNS) $(PROGRAMS:%=$(B)/%)
fuzzers: $(FUZZERS)
benches: $(BENCHES)

# What `check` runs; targets of their own, so that -k goes on to the next.
check-built: built-release built-asan built-tsan built-fuzz
built-release: ; @$(MAKE) all test-programs
built-asan: ; @$(MAKE) VARIANT=asan test-programs
built-fuzz: ; @! command -v clang >/dev/null || $(MAKE) VARIANT=fuzz fuzzers

# ---- rules ---------------------------------------------------------------

LENIENT += $(filter build/obj/%,$(MAKECMDGOALS))

# Rewritten only when the text differs: other flags rebuild, a removed source
# leaves the archives.
STAMP = @mkdir -p $(@D); printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' >$@
$(B)/flags: FORCE ; $(call STAMP,$(CC) $(ALL_CFLAGS) $(LDFLAGS))
$(B)/sources: FORCE ; $(call STAMP,$(sort $(SRC)))

# libpcap of Debian 12's i386 was built with times of 32 bits, and its packets have them
$(B)/query/capture.o: private CFLAGS_m32 += -U_TIME_BITS

$(B)/%.o: %.c $(B)/flags
	@mkdir -p $(@D)
	$(SAY) CC $<
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@ $(if $(LENIENT),|| { rm -f $@; echo "left out: $<" >&2; })

define ARCHIVE
$(B)/$(1).a: $(2:%.c=$(B)/%.o) $(3)
	@mkdir -p $$(@D); rm -f $$@
	@ar rcs $$@ $$$$(for o in $(2:%.c=$(B)/%.o); do [ ! -f $$$$o ] || echo $$$$o; done)
endef
$(foreach f,$(FOLDERS),$(eval $(call ARCHIVE,$f,$(filter $f/%,$(SRC)),$(B)/sources)))
$(eval $(call ARCHIVE,tests/helpers,$(TEST_HELPERS)))
$(eval $(call ARCHIVE,fuzz/helpers,$(FUZZ_HELPERS)))
$(eval $(call ARCHIVE,bench/helpers,$(BENCH_HELPERS)))

# tests/extra_X.c and tests/extra_X_*.c, where there are any, belong to tests/test_X.c and tests/campaign_X.c
# alone, and to those that say so here.
EXTRA_oom = faults
EXTRA = $(patsubst %.c,$(B)/%.o,$(wildcard $(foreach x,$(or $(EXTRA_$(1)),$(1)),tests/extra_$x.c tests/extra_$x_*.c)))
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
build/librepute.so.$(VERSION): $(LIB_OBJ) $(B)/query.a $(B)/engine.a
	$(SAY) LD $@
	$(Q)$(LINK) -shared -Wl,-soname,librepute.so.$(SOVERSION) -Wl,-z,defs $(LIB_PARTS) -o $@ $(LIB_LIBS)

build/librepute.so: build/librepute.so.$(VERSION)
	$(Q)ln -sf $(<F) build/librepute.so.$(SOVERSION) && ln -sf librepute.so.$(SOVERSION) $@

build/librepute.a: $(LIB_OBJ) $(B)/query.a $(B)/engine.a
	$(SAY) AR $@
	$(Q)$(CC) $(ALL_CFLAGS) -r -nostdlib $(LIB_PARTS) -o $(B)/librepute.o
	$(Q)objcopy --wildcard --keep-global-symbol='repute_*' $(B)/librepute.o
	$(Q)rm -f $@ && ar rcs $@ $(B)/librepute.o

define PC
prefix=$(PREFIX)
includedir=$${prefix}/include
libdir=$(LIBDIR)

Name: repute
Description: reputation database, look-up library
Version: $(VERSION)
Requires.private: libxxhash libidn2
Libs: -L$${libdir} -lrepute
Cflags: -I$${includedir}
endef
export PC

# PREFIX is written into it, hence FORCE.
build/repute.pc: FORCE
	@mkdir -p $(@D); printf '%s\n' "$$PC" | cmp -s - $@ || printf '%s\n' "$$PC" >$@

build/man/.made: build/repute
	$(SAY) MAN build/man
	$(Q)rm -rf build/man && mkdir -p build/man && build/repute help --man >build/man/repute.1
	$(Q)for c in $$(build/repute help --commands); do \
		build/repute help --man $$c >build/man/repute-$$c.1 || exit 1; done
	$(Q)build/repute help --completion >build/man/repute.bash
	$(Q)touch $@

include bench/peers.mk bench/measure.mk tests/campaigns.mk

-include $(patsubst %.c,$(B)/%.d,$(wildcard */*.c))
