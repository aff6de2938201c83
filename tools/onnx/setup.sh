#!/usr/bin/env bash
# The onnx package with its reference evaluator, and ONNX Runtime, which Debian does not have, in a virtual environment
# of their own: build/onnx-env. Says nothing when it is there already.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=build/onnx-env
pins=tools/onnx/requirements.txt
if [[ -x $folder/bin/python ]] && cmp -s "$pins" "$folder/pins.txt"; then
  exit 0
fi
echo "Installing the onnx package into $folder" >&2
python3 -m venv --clear "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$pins"
cp "$pins" "$folder/pins.txt"
