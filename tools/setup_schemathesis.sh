#!/usr/bin/env bash
# Schemathesis, which Debian does not have, in a virtual environment of its own: build/schemathesis. Says nothing when
# it is there already.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=build/schemathesis
pins=tools/schemathesis.txt
if [[ -x $folder/bin/schemathesis ]] && cmp -s "$pins" "$folder/pins.txt"; then
  exit 0
fi
echo "Installing Schemathesis into $folder" >&2
python3 -m venv --clear "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$pins"
cp "$pins" "$folder/pins.txt"
