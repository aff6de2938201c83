#!/usr/bin/env bash
# From a fresh clone to a recognised digit: installs what is missing, builds, shows the machine; a sentence model is
# fetched where it can be.
#   ./quickstart.sh [--no-install]
set -euo pipefail
cd "$(dirname "$0")"

tools/setup.sh build "$@"
tools/build.sh release
openruntime=build/release/openruntime

say() { printf '\n== %s\n' "$*"; }

say "The devices of this machine            (openruntime devices)"
"$openruntime" devices

say "A matrix product, 1024 x 1024, fp32    (openruntime run -o compute -t matrix_multiply -s 1024)"
"$openruntime" run -o compute -t matrix_multiply -s 1024

say "Handwritten digits                     (openruntime infer data/digits --image FILE)"
for picture in data/digits/samples/*.png; do
  echo "$picture"
  "$openruntime" infer data/digits --image "$picture" --top 3
done

say "Networks, with synthetic weights       (openruntime benchmark -m resnet50 -m bert-base -m gpt2)"
"$openruntime" benchmark -m resnet50 -m bert-base -m gpt2 --duration 2 -q

if tools/fetch_sentence_model.sh "$@"; then
  say "Sentences by their meaning             (openruntime infer models/all-minilm-l6-v2 --text SENTENCE…)"
  "$openruntime" infer models/all-minilm-l6-v2 \
    --text "How do I bake bread at home?" \
    --text "The stock market fell sharply on Monday." \
    --text "A recipe for a loaf of sourdough." \
    --text "My oven takes ages to heat up." \
    --text "The cat is asleep on the sofa."
fi

cat <<'NEXT'

== What to type next
export PATH="$PWD/build/release:$PATH"
openruntime help                                   every command
openruntime explain data/digits                    which node runs where, and how fast
openruntime run -t softmax -s 4096 --verify        another operation, compared with its reference
openruntime explain resnet50                       the same of a larger network, with synthetic weights
openruntime benchmark                              products, memory and networks, measured
openruntime devices --json                         everything is also JSON
./test.sh                                          the tests
NEXT
