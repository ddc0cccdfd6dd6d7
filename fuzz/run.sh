#!/bin/sh
# Runs fuzz targets with the stable compiler (cargo-fuzz wants a nightly one):
#
#     fuzz/run.sh [SECONDS [TARGET…]]
#
# for so long each, 60 seconds unless told, all targets unless named. What breaks one lies in fuzz/artifacts/TARGET/ and
# is tried again with `fuzz/run.sh 0 TARGET FILE`. Needs a C++ compiler for libFuzzer. The first build takes ten minutes.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -eq 0 ] || shift
host=$(rustc -vV | sed -n 's/^host: //p')

# What `cargo fuzz` passes, without the address sanitizer: the crate forbids unsafe code.
sancov="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
sancov="$sancov -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
sancov="$sancov -Cllvm-args=-sanitizer-coverage-trace-compares"
RUSTC_BOOTSTRAP=1 RUSTFLAGS="--cfg fuzzing $sancov -Cdebug-assertions -Coverflow-checks" \
    cargo build --release --manifest-path fuzz/Cargo.toml --target "$host"
built=fuzz/target/$host/release

if [ "$seconds" = 0 ]; then
    target=$1
    shift
    exec "$built/$target" "$@"
fi
if [ ! -d fuzz/corpus ]; then
    "$built/seeds" fuzz/corpus
fi
if [ $# -eq 0 ]; then
    set -- $(ls fuzz/fuzz_targets | sed 's/\.rs$//')
fi
failed=""
for target in "$@"; do
    echo "== $target"
    mkdir -p "fuzz/corpus/$target" "fuzz/artifacts/$target"
    dictionary=""
    [ ! -s "fuzz/corpus/$target.dict" ] || dictionary="-dict=fuzz/corpus/$target.dict"
    "$built/$target" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
        -artifact_prefix="fuzz/artifacts/$target/" $dictionary "fuzz/corpus/$target" || failed="$failed $target"
done
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
