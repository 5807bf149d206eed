# What the scripts of this folder share: where targets are built, and how they are run. It is sourced.
cd "$(dirname "${BASH_SOURCE[0]}")"

host=$(rustc -vV | sed -n 's/^host: //p')
built=${CARGO_TARGET_DIR:-target}/$host/release
# Corpora, logs and failing inputs of long runs.
long=${FUZZ_WORK:-target/long}

# libFuzzer's instrumentation is a nightly flag; this lets the stable compiler take it.
export RUSTC_BOOTSTRAP=1
# The first as cargo-fuzz sets it: SQLite, compiled by gcc, has names twice that are not. The others cost a third of the time:
# to remember where memory was taken, and to keep much of what was given back. A failing input tells that when it is run alone.
export ASAN_OPTIONS=detect_odr_violation=0:malloc_context_size=0:quarantine_size_mb=8

# Those that are named, or all.
targets() {
    [ $# -gt 0 ] || set -- $(basename -s .rs fuzz_targets/*.rs)
    printf '%s\n' "$@"
}

# The option that gives a target its dictionary, when it has one.
dictionary() {
    if [ -f "dictionaries/$1.dict" ]; then echo "-dict=dictionaries/$1.dict"; fi
}
