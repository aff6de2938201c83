#!/usr/bin/env bash
# Prepares what the peers need: the packages libdnnl-dev, libopenblas0 and libfftw3-dev, and build/bench-env with
# pinned versions.
# Prints the versions; says nothing else when nothing is missing.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
environment="$root/build/bench-env"
pinned=(numpy==2.2.6 onnxruntime==1.22.1)

if command -v apt-get >/dev/null; then
  missing=()
  for package in libdnnl-dev libopenblas0-pthread libfftw3-dev python3-venv; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed' || missing+=("$package")
  done
  if [[ ${#missing[@]} -gt 0 ]]; then
    as_root=()
    [[ $(id -u) -eq 0 ]] || as_root=(sudo)
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  fi
fi

if [[ ! -x $environment/bin/python || $(cat "$environment/pinned" 2>/dev/null) != "${pinned[*]}" ]]; then
  python3 -m venv --clear "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check "${pinned[@]}"
  echo "${pinned[*]}" >"$environment/pinned"
fi

"$environment/bin/python" -c 'import sys; print("python", sys.version.split()[0])'
"$environment/bin/pip" list --format freeze --disable-pip-version-check 2>/dev/null | grep -E '^(numpy|onnxruntime)='
command -v dpkg-query >/dev/null && dpkg-query -W -f '${Package} ${Version}\n' \
  libdnnl2 libopenblas0-pthread libfftw3-single3
