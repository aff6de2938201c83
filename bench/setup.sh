#!/usr/bin/env bash
# Prepares what the peers need: the packages libdnnl-dev, libopenblas0 and libfftw3-dev, and build/bench-env with
# pinned versions; llama.cpp is compiled there for this processor, once (some minutes). Prints the versions.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
environment="$root/build/bench-env"
pinned=(numpy==2.2.6 onnxruntime==1.32.0 openvino==2026.4.0 gguf==0.19.0 onnx==1.19.1)
llama=llama-cpp-python==0.3.36

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

pip() { "$environment/bin/python" -m pip --disable-pip-version-check "$@"; }

if [[ ! -x $environment/bin/python || $(cat "$environment/pinned" 2>/dev/null) != "${pinned[*]}" ]]; then
  python3 -m venv --clear "$environment"
  pip install --quiet "${pinned[@]}"
  echo "${pinned[*]}" >"$environment/pinned"
fi

# Unpacked and built in a folder that stays, so that an interrupted build goes on where it was.
if ! pip show --quiet llama-cpp-python 2>/dev/null; then
  source="$root/build/bench-llama"
  if [[ ! -d $source/source ]]; then
    mkdir -p "$source/download" "$source/unpacked"
    pip download --quiet --no-deps --no-binary :all: --no-build-isolation -d "$source/download" "$llama" ||
      pip download --quiet --no-deps -d "$source/download" "$llama"
    tar -xf "$source"/download/*.tar.gz -C "$source/unpacked" --strip-components 1
    mv "$source/unpacked" "$source/source"
  fi
  echo "compiling llama.cpp for this processor" >&2
  CMAKE_ARGS="-DLLAVA_BUILD=OFF -DGGML_NATIVE=ON -DLLAMA_CURL=OFF -DLLAMA_BUILD_TOOLS=OFF" \
    pip install --quiet -C build-dir="$source/build" "$source/source" ||
    echo "llama.cpp could not be built: the GPT-2 row is void without it" >&2
fi

"$environment/bin/python" -c 'import sys; print("python", sys.version.split()[0])'
pip list --format freeze 2>/dev/null | grep -E '^(numpy|onnxruntime|openvino|gguf|llama)'
if command -v dpkg-query >/dev/null; then
  dpkg-query -W -f '${Package} ${Version}\n' libdnnl2 libopenblas0-pthread libfftw3-single3
fi
