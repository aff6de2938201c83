#!/usr/bin/env bash
# The tests: installs what is missing, builds, runs every test once.
#   ./test.sh [--no-install]
# The dev preset is used, because its asserts are on; .ci/run adds the sanitizers.
set -euo pipefail
cd "$(dirname "$0")"
started=$SECONDS

tools/setup.sh test "$@"
tools/build.sh dev

status=0
tools/ctest.sh dev || status=$?
elapsed=$((SECONDS - started))
if [[ $status -eq 0 ]]; then
  echo "All tests passed in $elapsed s."
else
  echo "Some tests failed ($elapsed s); the output above names them. One alone: ctest --test-dir build/dev -R NAME" >&2
fi
exit "$status"
