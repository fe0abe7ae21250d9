# SPDX-License-Identifier: Apache-2.0
# Included by the Makefile: the measurements of repute by itself (docs/bench.md says what each shows).

.PHONY: bench-gate bench-scale bench-memory bench-layers bench-ways bench-import bench-plots bench-judge bench-inspect bench-delta flood

# $(1): a program of bench/, built for speed; $(2): its arguments
BENCH_RUN = $(MAKE) VARIANT=bench build/obj/bench/bench/$(1) >&2 && mkdir -p build/tmp && \
	build/obj/bench/bench/$(1) $(2)

bench-gate: deps-check ## Instructions of fixed look-ups against bench/gate.tsv, 5 % at most (UPDATE=1 stores them)
	@$(MAKE) VARIANT=bench build/obj/bench/bench/bench_gate >&2
	@mkdir -p build/tmp
	@UPDATE=$(UPDATE) bench/gate

bench-scale: ## Two threads and two processes beside one (SCALE_ARGS='--entries 1e8 --kind ipv4')
	@$(call BENCH_RUN,bench_scale,$(SCALE_ARGS))

bench-memory: ## Bytes on disk, mapped, resident; opening; 16 readers; shrinking (MEMORY_ARGS='--entries 1e7')
	@$(MAKE) VARIANT=bench build/obj/bench/repute >&2
	@$(call BENCH_RUN,bench_memory,$(MEMORY_ARGS))

bench-layers: ## Look-ups with 0, 1, 2 and 4 overlays (LAYERS_ARGS='--entries 1e7')
	@$(call BENCH_RUN,bench_layers,$(LAYERS_ARGS))

bench-ways: ## Instruction sets, and pages of 4 KiB and 2 MiB, beside one another (WAYS_ARGS='--entries 1e7 --kind ipv4')
	@$(call BENCH_RUN,bench_ways,$(WAYS_ARGS))

bench-judge: ## Verdicts beside look-ups, 1 to 1,000 filters; compile time (JUDGE_ARGS='--entries 1e7 --kind ipv4')
	@$(call BENCH_RUN,bench_judge,$(JUDGE_ARGS))

bench-import: ## Text feeds to a published store, beside the parser alone (IMPORT_ARGS='--entries 1e7')
	@$(MAKE) VARIANT=bench build/obj/bench/repute >&2
	@$(call BENCH_RUN,bench_import,$(IMPORT_ARGS))

bench-inspect: ## Packets from memory to verdicts, against 1 M and 10 M entries (INSPECT_ARGS='--entries 1e7 --traffic ipv4')
	@$(call BENCH_RUN,bench_inspect,$(if $(INSPECT_ARGS),$(INSPECT_ARGS),--entries 1e6))
	@$(if $(INSPECT_ARGS),:,build/obj/bench/bench/bench_inspect --entries 1e7)

bench-delta: ## 1,000 changes to 10 k, 1 M and 10 M entries: CPU, disk, readers (DELTA_ARGS='--entries 1e6 --way delta')
	@$(MAKE) VARIANT=bench build/obj/bench/repute >&2
	@$(call BENCH_RUN,bench_delta,$(if $(DELTA_ARGS),$(DELTA_ARGS),--strict yes))

flood: ## Keys chosen by one who knows the seed, beside random ones: building, look-ups (FLOOD_ARGS='--entries 1e6')
	@$(call BENCH_RUN,bench_flood,$(if $(FLOOD_ARGS),$(FLOOD_ARGS),--strict yes))

# its attacks are those of the tests
$(B)/bench/bench_flood: $(B)/tests/collide.o
$(B)/bench/bench_flood: LIBS := $(B)/tests/collide.o $(LIBS)

bench-plots: ## Plots and tables of JSON lines into docs/bench/ (JSON='a.json b.json')
	@bench/plot docs/bench $(JSON)
	@bench/table $(JSON) >docs/bench/tables.md
