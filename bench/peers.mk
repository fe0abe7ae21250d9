# SPDX-License-Identifier: Apache-2.0
# Included by the Makefile: bench-peers, the one program that links other people's engines.

PEER_DIR = $(B)/bench/peers
PEER_OBJ = $(patsubst bench/peers/%.c,$(PEER_DIR)/%.o,$(wildcard bench/peers/*.c)) \
	$(patsubst bench/peers/%.cc,$(PEER_DIR)/%.o,$(wildcard bench/peers/*.cc))
PEER_CXX = $(CXX) -std=c++17 -O2 -g -DNDEBUG -I. -Wall -Wextra
DPDK_CFLAGS = $(shell pkg-config --cflags libdpdk)
PEER_LIBS = $(shell pkg-config --libs absl_flat_hash_map absl_hash) -llmdb -lrocksdb -lcdb -lmarisa -lknot \
	-luriparser -lcurl -lmaxminddb -lndpi -lhiredis -lrte_fib -lrte_lpm -lrte_eal -lstdc++

.PHONY: bench-peers
bench-peers: ## Install the peers, build, compare (QUICK=1; PEERS_ARGS='--entries 1e7 --class sha256')
	@bench/deps
	@$(MAKE) VARIANT=bench build/obj/bench/bench/peers/peers >&2
	@mkdir -p build/tmp
	@$(PEERS_PIN) build/obj/bench/bench/peers/peers $(PEERS_ARGS)

# one core, where there are more
PEERS_PIN = $(if $(filter-out 1,$(shell nproc)),taskset -c 1)

$(PEER_DIR)/%.o: bench/peers/%.cc $(B)/flags
	@mkdir -p $(@D)
	$(SAY) CXX $<
	$(Q)$(PEER_CXX) -MMD -MP -c $< -o $@

$(PEER_DIR)/%.o: ALL_CFLAGS += -Wno-missing-field-initializers
$(PEER_DIR)/routes_dpdk.o: ALL_CFLAGS += $(DPDK_CFLAGS) -Wno-vla

$(PEER_DIR)/peers: $(PEER_OBJ) $(B)/bench/helpers.a $(ARCHIVES)
	$(SAY) LD $(@:build/obj/%=%)
	$(Q)$(LINK) $(PEER_OBJ) $(B)/bench/helpers.a $(LINK_ARCHIVES) -o $@ $(LIBS) $(PEER_LIBS)

-include $(patsubst %.o,%.d,$(PEER_OBJ))
