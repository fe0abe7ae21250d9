# SPDX-License-Identifier: Apache-2.0
# Included by the Makefile: long campaigns against the store. Each is a program tests/campaign_<name>.c;
# `make check` runs it small (tests/run campaign), these targets run it whole. docs/testing.md has the figures.

CAMPAIGN_SRC = $(wildcard tests/campaign_*.c)
CAMPAIGNS = $(CAMPAIGN_SRC:%.c=$(B)/%)

# $(1): the program's name; $(2): its arguments
CAMPAIGN_RUN = $(MAKE) $(B)/tests/campaign_$(1) $(B)/repute >&2 && mkdir -p build/tmp && \
	REPUTE=$(B)/repute $(B)/tests/campaign_$(1) $(2)

# tests/extra_X.c, where there is one, belongs to tests/campaign_X.c alone, as it does to tests/test_X.c.
$(B)/tests/campaign_%: $(B)/tests/campaign_%.o $$(call EXTRA,$$*) $(B)/tests/helpers.a $(ARCHIVES)
	$(SAY) LD $(@:build/obj/%=%)
	$(Q)$(LINK) $< $(call EXTRA,$*) $(B)/tests/helpers.a $(LINK_ARCHIVES) -o $@ $(TEST_LIBS)

.PHONY: time
time: ## Simulated years: expiry and clocks against a model, by the library and by the command line (TIME_ARGS="--seed N --histories N --cli N")
	@$(call CAMPAIGN_RUN,time,$(TIME_ARGS))
