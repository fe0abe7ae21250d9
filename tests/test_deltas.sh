#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Excerpts of the delta chains, version by version, and tests/deltas's own mistakes. REPUTE is the
# binary. `make deltas DATA=...` replays the whole chains.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
export REPUTE=${REPUTE:-build/repute}
command -v python3 >/dev/null || { echo 'no python3 here: the second reading of the lists is left out' && exit 77; }
status=0
tests/deltas tests/feeds/chains || status=1
tests/deltas --self-test tests/feeds/chains ip-made || status=1
exit "$status"
