#!/usr/bin/env bash
# Installs what is missing, and says nothing when nothing is.
#   tools/setup.sh build|test|ci [--no-install]
# build: compiler, cmake and the libraries; test: also what test.sh uses; ci: also what .ci/run uses.
# --no-install: name what is missing and go on. Exit 1 when something is missing and can't be installed.
set -euo pipefail

build_debian=(ca-certificates gcc libc6-dev make cmake ninja-build pkg-config libdnnl-dev libpng-dev
  libjpeg-dev libcurl4-openssl-dev libhwloc-dev libsqlite3-dev libuv1-dev libssl-dev curl)
test_debian=(g++ libcmocka-dev libjansson-dev libonnx-testdata python3 python3-numpy python3-httpx python3-websockets
  openssl wrk ocl-icd-libopencl1 pocl-opencl-icd)
ci_debian=(clang clang-tidy clang-format cppcheck gcovr shellcheck binutils systemd python3-venv espeak-ng
  opencl-headers)
build_brew=(cmake ninja pkg-config onednn libpng jpeg-turbo curl hwloc sqlite libuv openssl@3)
test_brew=(cmocka jansson numpy wrk)
ci_brew=(llvm cppcheck gcovr shellcheck prometheus espeak-ng)

main() {
  local set_name=${1:-build} install=yes
  [[ ${2:-} == --no-install ]] && install=no
  case $set_name in build | test | ci) ;; *)
    echo "usage: tools/setup.sh build|test|ci [--no-install]" >&2
    exit 2
    ;;
  esac
  if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
    with_apt "$set_name" "$install"
  elif [[ $(uname -s) == Darwin ]]; then
    with_brew "$set_name" "$install"
  else
    with_nothing
  fi
}

with_apt() {
  local set_name=$1 install=$2 wanted=("${build_debian[@]}") missing=() package
  [[ $set_name != build ]] && wanted+=("${test_debian[@]}")
  [[ $set_name == ci ]] && wanted+=("${ci_debian[@]}" "$(compiler_runtime)") && [[ $(system) != ubuntu-* ]] &&
    wanted+=(chromium) # Ubuntu's is a snap: its tests are left out there
  for package in "${wanted[@]}"; do
    installed "$package" || missing+=("$package")
  done
  if [[ ${#missing[@]} -eq 0 ]]; then
    [[ $set_name != ci ]] || fetch_promtool "$install"
    return
  fi

  if [[ $install == no ]]; then
    echo "Not installed: ${missing[*]}" >&2
    return 0
  fi
  local as_root=()
  if [[ $(id -u) -ne 0 ]]; then
    if ! command -v sudo >/dev/null; then
      echo "Missing packages, and neither root nor sudo to install them. As root: apt-get install ${missing[*]}" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  echo "Installing ${missing[*]}" >&2
  local log
  log=$(mktemp)
  if ! { "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "${missing[@]}"; } </dev/null >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    exit 1
  fi
  rm -f "$log"
  [[ $set_name != ci ]] || fetch_promtool "$install"
}

# Prometheus' checker of metrics, taken out of Debian's package into build/tools: to install the package would start a
# server. apt-get checks its signature.
fetch_promtool() {
  local tools folder
  tools=$(dirname "$0")/../build/tools
  if [[ -x $tools/promtool ]] || command -v promtool >/dev/null; then return 0; fi
  if [[ $1 == no ]]; then
    echo "Not there: build/tools/promtool" >&2
    return 0
  fi
  folder=$(mktemp -d)
  echo "Fetching promtool into build/tools" >&2
  if ! { (cd "$folder" && { apt-get download -qq prometheus ||
    { apt-get update -qq && apt-get download -qq prometheus; }; } && dpkg-deb -x prometheus_*.deb .) &&
    mkdir -p "$tools" && cp "$folder/usr/bin/promtool" "$tools/"; } >"$folder/log" 2>&1; then
    cat "$folder/log" >&2
    rm -rf "$folder"
    exit 1
  fi
  rm -rf "$folder"
}

# One query for all packages, so that a run with nothing to do costs milliseconds.
installed() {
  if [[ -z ${package_states+set} ]]; then
    package_states=$'\n'$(dpkg-query -W -f '${Package} ${db:Status-Status}\n')$'\n'
  fi
  [[ $package_states == *$'\n'"$1 installed"$'\n'* ]]
}

# "debian-12", "ubuntu-24.04"
system() (
  # shellcheck disable=SC1090,SC1091
  . "${OPENRUNTIME_OS_RELEASE:-/etc/os-release}"
  echo "${ID:-}-${VERSION_ID:-}"
)

# The sanitizer and fuzzer runtime carries clang's version in its name.
compiler_runtime() {
  case "$(system)" in
    debian-12) echo libclang-rt-14-dev ;;
    ubuntu-24.04) echo libclang-rt-18-dev ;;
    *) echo libclang-rt-dev ;;
  esac
}

with_brew() {
  local set_name=$1 install=$2 wanted=("${build_brew[@]}") missing=() package have
  [[ $set_name != build ]] && wanted+=("${test_brew[@]}")
  [[ $set_name == ci ]] && wanted+=("${ci_brew[@]}")
  if ! command -v brew >/dev/null; then
    echo "Homebrew is needed to install ${wanted[*]}: see https://brew.sh" >&2
    [[ $install == no ]] && return 0
    exit 1
  fi
  have=" $(brew list --formula -1 | tr '\n' ' ') "
  for package in "${wanted[@]}"; do
    [[ $have == *" $package "* ]] || missing+=("$package")
  done
  [[ ${#missing[@]} -eq 0 ]] && return 0
  if [[ $install == no ]]; then
    echo "Not installed: ${missing[*]}" >&2
    return 0
  fi
  brew install --quiet "${missing[@]}" </dev/null
}

with_nothing() {
  command -v cmake >/dev/null && command -v cc >/dev/null && return 0
  echo "No apt-get and no Homebrew here: install a C compiler, cmake 3.25, ninja and what README.md lists." >&2
  exit 1
}

main "$@"
