#!/bin/sh
# Fuzzes what reads untrusted bytes, with libFuzzer and AddressSanitizer.
#
#   Tests/Fuzz/run.sh [SECONDS] [CHECK...]     (60 seconds each; the checks of FuzzChecks.swift)
#
# Builds in .build/fuzz, or in $FUZZ_BUILD.
#
# Inputs that break something are written to Tests/Fixtures/fuzz/CHECK as fail-*: every test run replays that folder.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- frames messages inflate extensions

build=${FUZZ_BUILD:-.build/fuzz}
mkdir -p "$build"
compile() {
    swiftc -O -g -wmo -parse-as-library -swift-version 6 -enable-testing -sanitize=fuzzer,address -use-ld=lld \
        -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault \
        -enable-upcoming-feature MemberImportVisibility -I "$build" -I Sources/CZlib "$@"
}
for module in DoorbellCore DoorbellWire; do
    compile -module-name "$module" -emit-module -emit-module-path "$build/$module.swiftmodule" \
        -emit-object -o "$build/$module.o" Sources/$module/*.swift
done
compile -module-name Fuzz -emit-module-path "$build/Fuzz.swiftmodule" -o "$build/fuzz" "$build/DoorbellCore.o" "$build/DoorbellWire.o" \
    Tests/DoorbellWireTests/FuzzChecks.swift Tests/DoorbellWireTests/EventStreamReader.swift Tests/Fuzz/Fuzz.swift

for check; do
    corpus=$build/corpus/$check
    fixtures=Tests/Fixtures/fuzz/$check
    mkdir -p "$corpus" "$fixtures"
    seeds=$fixtures
    [ "$check" = messages ] && seeds="$fixtures Tests/Fixtures/wire/v1"
    echo "fuzz: $check"
    # shellcheck disable=SC2086 (two folders)
    DOORBELL_FUZZ=$check SWIFT_BACKTRACE=enable=no "$build/fuzz" -max_total_time="$seconds" -max_len=4096 -timeout=10 \
        -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 -artifact_prefix="$fixtures/fail-" "$corpus" $seeds
done
