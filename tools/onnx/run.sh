#!/usr/bin/env bash
# Everything that is held against the newest onnx package; .ci/run onnx calls it.
#   tools/onnx/run.sh [--update]
# The cases that it generates, the proofs in the lists of known gaps, and the grid of operators, versions and types.
# --update: writes both lists of gaps and docs/operator-grid.md anew instead of comparing them. OPENRUNTIME: the
# program.
set -euo pipefail
cd "$(dirname "$0")/../.."
export OPENRUNTIME=${OPENRUNTIME:-$PWD/build/dev/openruntime}
python=build/onnx-env/bin/python
cases=build/onnx/cases
recorded=/usr/share/libonnx-testdata/data
lists=(tests/e2e/onnx_gaps.txt="$recorded" tests/e2e/onnx_gaps_newest.txt="$cases")
page=docs/operator-grid.md

main() {
  tools/onnx/setup.sh
  mkdir -p build/onnx
  $python -W ignore tools/onnx/make_cases.py "$cases"
  if [[ ${1:-} == --update ]]; then
    local list
    for list in "${lists[@]}"; do
      $python tests/e2e/onnx_nodes_test.py --gaps "${list%%=*}" --data "${list#*=}" --print-gaps >build/onnx/gaps
      cp build/onnx/gaps "${list%%=*}"
    done
    grid --page "$page"
  else
    $python tests/e2e/onnx_nodes_test.py --gaps tests/e2e/onnx_gaps_newest.txt --data "$cases"
    $python -W ignore tools/onnx/prove.py "$OPENRUNTIME" "$cases" "${lists[@]}"
    grid --check "$page"
  fi
}

grid() {
  $python -W ignore tools/onnx/grid.py build/onnx/grid --program "$OPENRUNTIME" --report build/onnx/cells.txt "$@"
}

main "$@"
