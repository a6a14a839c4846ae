#!/bin/sh
# Fuzzes what reads untrusted bytes, with libFuzzer and AddressSanitizer.
#
#   Tests/Fuzz/run.sh [SECONDS] [CHECK...]     (60 seconds each; the checks of FuzzChecks.swift, head: HTTPHeadCheck.swift, logs: LogFuzzCheck.swift)
#
# Builds in .build/fuzz, or in $FUZZ_BUILD. For head it needs the debug build of everything (`make build`) too.
#
# Inputs that break something are written to Tests/Fixtures/fuzz/CHECK as fail-*: every test run replays that folder.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- frames messages inflate extensions head logs

build=${FUZZ_BUILD:-.build/fuzz}
debug=.build/debug
mkdir -p "$build"
sanitize="-sanitize=fuzzer,address -use-ld=lld"
# shellcheck disable=SC2086 (lists of flags)
compile() {
    swiftc -O -g -wmo -parse-as-library -swift-version 6 -enable-testing $sanitize -package-name main \
        -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault \
        -enable-upcoming-feature MemberImportVisibility -I "$build" -I Sources/CZlib "$@"
}

# The checks of DoorbellWire: everything is compiled for the fuzzer.
wire() {
    [ -z "${wire_built:-}" ] || return 0
    wire_built=1
    for module in DoorbellCore DoorbellWire; do
        compile -module-name "$module" -emit-module -emit-module-path "$build/$module.swiftmodule" \
            -emit-object -o "$build/$module.o" Sources/$module/*.swift
    done
    compile -module-name Fuzz -emit-module-path "$build/Fuzz.swiftmodule" -o "$build/fuzz" \
        "$build/DoorbellCore.o" "$build/DoorbellWire.o" \
        Tests/DoorbellWireTests/FuzzChecks.swift Tests/DoorbellWireTests/EventStreamReader.swift Tests/Fuzz/Fuzz.swift
}

# The check of access logs.
logs() {
    for module in DoorbellCore DoorbellReport DoorbellAssess; do
        compile -module-name "$module" -emit-module -emit-module-path "$build/$module.swiftmodule" \
            -emit-object -o "$build/$module.o" $(find Sources/$module -name '*.swift')
    done
    compile -module-name LogFuzz -emit-object -o "$build/LogFuzz.o" Tests/DoorbellAssessTests/LogFuzzCheck.swift \
        Tests/DoorbellAssessTests/MemoryReader.swift Tests/Fuzz/LogFuzz.swift
    # shellcheck disable=SC2086 (a list of flags)
    swiftc $sanitize -o "$build/logs" "$build/DoorbellCore.o" "$build/DoorbellReport.o" "$build/DoorbellAssess.o" "$build/LogFuzz.o" -lz
}

# The check of the served pipeline: DoorbellServer and the parser of HTTP are compiled for the fuzzer, the rest comes from the debug build.
# shellcheck disable=SC2086
served() {
    [ -d "$debug/Modules" ] || { echo "fuzz: run 'make build' first"; exit 1; }
    server=$build/server
    checkouts=.build/checkouts
    rm -rf "$server"
    mkdir -p "$server"
    maps=""
    for map in Sources/CZlib/module.modulemap "$checkouts"/*/Sources/[C_]*/include/module.modulemap "$debug"/[C_]*.build/module.modulemap; do
        [ -f "$map" ] && maps="$maps -Xcc -fmodule-map-file=$map"
    done
    for include in "$checkouts"/*/Sources/[C_]*/include; do maps="$maps -Xcc -I$include"; done
    compile $maps -I "$debug/Modules" -module-name DoorbellServer -emit-module \
        -emit-module-path "$server/DoorbellServer.swiftmodule" -emit-object -o "$server/DoorbellServer.o" \
        $(find Sources/DoorbellServer -name '*.swift')
    compile $maps -I "$server" -I "$debug/Modules" -module-name HeadFuzz -emit-object -o "$server/HeadFuzz.o" \
        Tests/DoorbellServerTests/HTTP/HTTPHeadCheck.swift Tests/Fuzz/HeadFuzz.swift
    for source in "$checkouts"/swift-nio/Sources/CNIOLLHTTP/*.c; do
        clang -O2 -g -fsanitize=fuzzer-no-link,address -I "$checkouts/swift-nio/Sources/CNIOLLHTTP/include" \
            -c "$source" -o "$server/$(basename "$source" .c).o"
    done
    # One archive for each module: an archive has each name once, and modules share names of files.
    for folder in "$debug"/*.build; do
        module=$(basename "$folder" .build)
        case $module in
        *Tests | *-tool | DoorbellServer | CNIOLLHTTP | DoorbellCLI | DoorbellBench | DoorbellEcho | FanOut*) continue ;;
        esac
        find "$folder/" -name '*.o' -print0 | xargs -0 -r ar rcs "$server/lib$module.a"
    done
    swiftc $sanitize -o "$build/head" "$server"/*.o "$server"/*.a -lz -lstdc++
}

for check; do
    corpus=$build/corpus/$check
    fixtures=Tests/Fixtures/fuzz/$check
    mkdir -p "$corpus" "$fixtures"
    seeds=$fixtures
    program=$build/fuzz
    options="-max_len=4096"
    case $check in
    messages) seeds="$fixtures Tests/Fixtures/wire/v1" ;;
    head) program=$build/head options="-max_len=2048 -dict=Tests/Fuzz/http.dict" ;;
    logs) program=$build/logs options="-max_len=2048 -dict=Tests/Fuzz/logs.dict" ;;
    esac
    case $check in head) served ;; logs) logs ;; *) wire ;; esac
    echo "fuzz: $check"
    # shellcheck disable=SC2086 (two folders)
    DOORBELL_FUZZ=$check SWIFT_BACKTRACE=enable=no "$program" -max_total_time="$seconds" $options -timeout=10 \
        -rss_limit_mb=2048 -verbosity=0 -print_final_stats=1 -artifact_prefix="$fixtures/fail-" "$corpus" $seeds
done
