#!/usr/bin/env bash
# tools/check_install.sh BUILD: installs BUILD into a scratch folder and uses it as an embedder would.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1
prefix=$(mktemp -d)
trap 'rm -rf "$prefix" "$prefix.moved"' EXIT
max_program_bytes=$((5 * 1024 * 1024))

fail() {
  echo "check_install: $*" >&2
  exit 1
}

cmake --install "$build" --prefix "$prefix" >/dev/null
library=$(find "$prefix" -name 'libopenruntime.so.0.*' -type f)
pc=$(find "$prefix" -name openruntime.pc)
[[ -n $library && -n $pc ]] || fail "library or pkg-config file is not installed"
export PKG_CONFIG_PATH=${pc%/*} LD_LIBRARY_PATH=${library%/*}

# Names: ours only, and the soname.
foreign=$(nm -D --defined-only "$library" | awk '$3 !~ /^or_/ && $2 != "A" {print $3}')
[[ -z $foreign ]] || fail "exported, and not ours: $foreign"
[[ $(nm -D --defined-only "$library" | wc -l) -gt 0 ]] || fail "nothing is exported"
objdump -p "$library" | grep -q 'SONAME *libopenruntime\.so\.0$' || fail "the soname is not libopenruntime.so.0"

# A public function that is declared and not exported is one that no embedder can call.
declared=$(python3 tools/make_docs.py --list-functions | sort)
missing=$(comm -23 <(echo "$declared") <(nm -D --defined-only "$library" | awk '{print $3}' | sort))
[[ -z $missing ]] || fail "declared OR_API and not exported: $missing"

for binary in "$library" "$prefix"/bin/*; do
  ! objdump -p "$binary" | grep -qE 'R(UN)?PATH' || fail "$binary carries an rpath"
  ! objdump -p "$binary" | grep -qE 'NEEDED.*(OpenCL|dnnl)' || fail "$binary does not start without a vendor's library"
done
program=$prefix/bin/openruntime
[[ -x $program ]] || fail "the program is not installed"
strip -o "$prefix/stripped" "$program"
size=$(stat -c %s "$prefix/stripped")
[[ $size -le $max_program_bytes ]] || fail "the stripped program has $size bytes; the limit is $max_program_bytes"
"$program" version >/dev/null || fail "the installed program does not start"
# The prefix is none that was configured, and the folder may be moved: the program finds the data it came with.
finds_its_data() {
  local data=$1/share/openruntime
  (cd "$1" && unset OPENRUNTIME_MODELS && "$1/bin/openruntime" -q infer digits --image "$data/digits/samples/7-1.png") |
    grep -q '^7 ' || fail "$1/bin/openruntime does not recognise a 7 by the digits in $data"
  (cd "$1" && unset OPENRUNTIME_MODELS && "$1/bin/openruntime" models) | grep -q '^digits ' ||
    fail "$1/bin/openruntime models does not list the digits in $data"
}
grep -qF "CMAKE_INSTALL_PREFIX:PATH=$prefix" "$build/CMakeCache.txt" && fail "$prefix is the configured prefix"
finds_its_data "$prefix"
mv "$prefix" "$prefix.moved"
mkdir "$prefix" # nothing may be found where it was
finds_its_data "$prefix.moved"
rmdir "$prefix"
mv "$prefix.moved" "$prefix"

for printed in man/man1/openruntime.1 bash-completion/completions/openruntime zsh/site-functions/_openruntime; do
  [[ -s $prefix/share/$printed ]] || fail "share/$printed is not installed"
done
leaked=$(grep -rlF "$PWD" "$prefix/include" "$pc" || true)
[[ -z $leaked ]] || fail "names the build folder: $leaked"

# From C and from C++, with pkg-config and nothing else.
cat >"$prefix/use.c" <<'SOURCE'
#include <openruntime/openruntime.h>
#include <stdio.h>
int main(void) { return printf("%zu operators\n", or_operator_count()) < 0; }
SOURCE
cp "$prefix/use.c" "$prefix/use.cpp"
read -ra flags <<<"$(pkg-config --cflags --libs openruntime)"
cc -std=c17 -Wall -Wextra -Wpedantic -Werror "$prefix/use.c" "${flags[@]}" -o "$prefix/use_c"
c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror "$prefix/use.cpp" "${flags[@]}" -o "$prefix/use_cpp"
"$prefix/use_c" && "$prefix/use_cpp" >/dev/null
echo "installed: program $size bytes stripped, $(wc -l <<<"$declared") public functions"
