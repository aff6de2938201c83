#!/usr/bin/env bash
# tools/build.sh PRESET: configures build/PRESET if that was never done and builds what is stale; quiet unless it fails.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
folder=build/$preset
mkdir -p "$folder"
log=$folder/build.log

configured() { [[ -f $folder/build.ninja || -f $folder/Makefile ]]; }

if ! configured; then
  echo "Configuring $preset" >&2
  cmake --preset "$preset" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
fi
started=$SECONDS
jobs=$(getconf _NPROCESSORS_ONLN)
cmake --build "$folder" --parallel "$jobs" >"$log" 2>&1 ||
  { tail -n 60 "$log" >&2; echo "The whole log: $log" >&2; exit 1; }
elapsed=$((SECONDS - started))
[[ $elapsed -lt 3 ]] || echo "Built $preset in $elapsed s" >&2
