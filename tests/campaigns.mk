# SPDX-License-Identifier: Apache-2.0
# Included by the Makefile: long campaigns against the store. Each is a program tests/campaign_<name>.c;
# `make check` runs it small (tests/run campaign), these targets run it whole. docs/testing.md has the figures.

CAMPAIGN_SRC = $(wildcard tests/campaign_*.c)
CAMPAIGNS = $(CAMPAIGN_SRC:%.c=$(B)/%)

# $(1): the program's name; $(2): its arguments
CAMPAIGN_RUN = $(MAKE) $(B)/tests/campaign_$(1) $(B)/repute >&2 && mkdir -p build/tmp && \
	REPUTE=$(B)/repute $(B)/tests/campaign_$(1) $(2)

$(B)/tests/campaign_%: $(B)/tests/campaign_%.o $$(call EXTRA,$$*) $(B)/tests/helpers.a $(ARCHIVES)
	$(SAY) LD $(@:build/obj/%=%)
	$(Q)$(LINK) $< $(call EXTRA,$*) $(B)/tests/helpers.a $(LINK_ARCHIVES) -o $@ $(TEST_LIBS)

.PHONY: careless
careless: ## Truncate, overwrite, remove files of a store under its readers, 10,000 times (CARELESS_ARGS='--seed 2')
	@$(call CAMPAIGN_RUN,careless,$(CARELESS_ARGS))

.PHONY: crash
crash: ## Kill the command line at every system call that touches files (CRASH_ARGS='--workload add')
	@$(call CAMPAIGN_RUN,crash,$(CRASH_ARGS))

.PHONY: faults
faults: ## Every call that can fail does, in every kind of work, a hundred thousand times (15 minutes of CPU; FAULTS='--work import')
	@$(call CAMPAIGN_RUN,faults,$(FAULTS))

.PHONY: powerloss
powerloss: ## Lose the power at every point of what a writer does, a million states (14 minutes of CPU; POWERLOSS='--states N --seconds N --seed N')
	@$(call CAMPAIGN_RUN,powerloss,$(POWERLOSS))

.PHONY: deltas
deltas: all ## Delta chains of DATA (../shared/data), version by version, look-ups running (CHAINS='ip-ddrimus')
	@mkdir -p build/tmp
	@REPUTE=build/repute tests/deltas --json build/tmp/deltas.json $(DATA) $(CHAINS)

.PHONY: time
time: ## Simulated years: expiry and clocks against a model, by the library and by the command line (TIME_ARGS="--seed N --histories N --cli N")
	@$(call CAMPAIGN_RUN,time,$(TIME_ARGS))

.PHONY: model
model: ## Check the protocol of docs/store.md with Spin, and that planted mistakes are found
	@tests/model/run
