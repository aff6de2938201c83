#!/usr/bin/env bash
# Runs the tests of a build.   tools/ctest.sh PRESET [CTEST ARGUMENTS...]
# End-to-end and fault tests run whole processes against the clock of a machine that does other things as well. Where at
# most two of them fail beside others, each is run alone, three times in a row: one that fails again fails the run, one
# that doesn't is named as unstable at the end. A unit or conformance test that fails has failed.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/$1
shift
jobs=$(getconf _NPROCESSORS_ONLN)
log=$build/Testing/Temporary/LastTestsFailed.log
rm -f "$log"

status=0
ctest --test-dir "$build" --output-on-failure --parallel "$jobs" "$@" </dev/null || status=$?
[[ $status -ne 0 && -s $log ]] || exit "$status"

mapfile -t failed < <(cut -d: -f2 "$log")
if [[ ${#failed[@]} -gt 2 ]] || printf '%s\n' "${failed[@]}" | grep -qvE '^(e2e|fault)_'; then exit "$status"; fi
for name in "${failed[@]}"; do
  echo "$name failed beside others; alone, three times:"
  ctest --test-dir "$build" --output-on-failure --repeat until-fail:3 -R "^$name\$" </dev/null || exit
done
echo "UNSTABLE: ${failed[*]}: failed beside other tests, passed three times alone"
