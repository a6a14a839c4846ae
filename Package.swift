// swift-tools-version: 6.2

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

// Named once: long literals of products are more than the compiler's type checker takes.
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let coreMetrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let metricsTestKit: Target.Dependency = .product(name: "MetricsTestKit", package: "swift-metrics")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioHPACK: Target.Dependency = .product(name: "NIOHPACK", package: "swift-nio-http2")
let nioHTTP2: Target.Dependency = .product(name: "NIOHTTP2", package: "swift-nio-http2")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let modules: [Target] = [
    .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .target(name: "DoorbellCore", dependencies: [], swiftSettings: settings),
    .target(
        name: "DoorbellCapture",
        dependencies: [
            "DoorbellCore", "CLibPQ", logging, metrics, serviceLifecycle,
        ], swiftSettings: settings),
    .target(name: "DoorbellTranslate", dependencies: ["DoorbellCore"], swiftSettings: settings),
    .target(name: "DoorbellHub", dependencies: ["DoorbellCore", deque], swiftSettings: settings),
    .target(name: "DoorbellReport", dependencies: ["DoorbellCore"], swiftSettings: settings),
    .target(
        name: "DoorbellRollout", dependencies: ["DoorbellCore", "DoorbellReport"], swiftSettings: settings),
    .target(
        name: "DoorbellAssess", dependencies: ["CZlib", "DoorbellCore", "DoorbellReport"], swiftSettings: settings),
    .target(name: "DoorbellWire", dependencies: ["DoorbellCore", "CZlib"], swiftSettings: settings),
    .target(
        name: "DoorbellAuth",
        dependencies: [
            "DoorbellCore", cryptoExtras, crypto, asyncHTTPClient, coreMetrics, logging, nioCore, nioHTTP1, nioSSL,
        ], swiftSettings: settings),
    .target(
        name: "DoorbellBrowser", path: "adapters/browser/served",
        resources: [.embedInCode("client.js"), .embedInCode("client.classic.js"), .embedInCode("more.js")],
        swiftSettings: settings),
    .target(
        name: "DoorbellServer",
        dependencies: [
            "CZlib", "DoorbellAuth", "DoorbellBrowser", "DoorbellCore", "DoorbellHub", "DoorbellRollout",
            "DoorbellWire", crypto, nioCore,
            nioPosix, nioHPACK, nioHTTP1, nioHTTP2, nioSSL, nioTLS, logging, coreMetrics, serviceLifecycle,
        ], swiftSettings: settings),
    .target(
        name: "DoorbellShim",
        dependencies: [
            "CZlib", "DoorbellCore", "DoorbellHub", "DoorbellRollout", "DoorbellServer", asyncHTTPClient, nioCore,
            nioHTTP1, nioPosix, nioSSL, logging, coreMetrics,
        ], swiftSettings: settings),
    .target(
        name: "DoorbellClient",
        dependencies: [
            "DoorbellCore", "DoorbellWire", asyncHTTPClient, nioCore, nioPosix, nioHTTP1, nioSSL,
        ], swiftSettings: settings),
    // Only files, in a module of their own: as code they take a compiler longer than all of the service's.
    .target(
        name: "DoorbellDashboard", dependencies: [], resources: [.embedInCode("Files")], swiftSettings: settings),
    .target(
        name: "Doorbell",
        dependencies: [
            "DoorbellAuth", "DoorbellClient", "DoorbellCore", "DoorbellCapture", "DoorbellDashboard",
            "DoorbellTranslate", "DoorbellHub",
            "DoorbellRollout", "DoorbellWire", "DoorbellServer", "DoorbellShim", asyncHTTPClient, hummingbird, nioCore,
            nioHTTP1, nioPosix,
            logging, coreMetrics, serviceLifecycle, unixSignals, yams,
        ], swiftSettings: settings),
    .target(name: "DoorbellTesting", dependencies: ["DoorbellCore", "CLibPQ"], swiftSettings: settings),
    .target(
        name: "DoorbellSimulate",
        dependencies: [
            "CLibPQ", "DoorbellClient", "DoorbellCore", "DoorbellReport", "DoorbellRollout", "DoorbellTesting",
            asyncHTTPClient,
            histogram, nioCore, nioHTTP1, nioPosix,
        ], swiftSettings: settings),
    .executableTarget(
        name: "DoorbellCLI",
        dependencies: [
            "Doorbell", "DoorbellAssess", "DoorbellAuth", "DoorbellCapture", "DoorbellClient", "DoorbellCore",
            "DoorbellRollout", "DoorbellSimulate", "DoorbellTesting", argumentParser, asyncHTTPClient, logging, nioCore,
            nioHTTP1, nioSSL, unixSignals,
        ], swiftSettings: settings),
    .executableTarget(
        name: "DoorbellBench",
        dependencies: [
            "CLibPQ", "Doorbell", "DoorbellAssess", "DoorbellCapture", "DoorbellClient", "DoorbellCore", "DoorbellHub",
            "DoorbellRollout",
            "DoorbellServer", "DoorbellShim", "DoorbellTesting", "DoorbellTranslate", "DoorbellWire", argumentParser,
            logging, nioCore,
            nioHTTP1,
            nioPosix, serviceLifecycle,
        ], swiftSettings: settings),
]

let tests: [Target] = [
    // What `doorbell-bench fanout` runs: the load, and the least that a server can do.
    .executableTarget(name: "FanOutLoad"),
    .executableTarget(name: "FanOutReference"),
    // What `make autobahn` tests.
    .executableTarget(
        name: "DoorbellEcho", dependencies: ["DoorbellCore", "DoorbellWire", nioCore, nioPosix],
        path: "Tests/Autobahn/DoorbellEcho", swiftSettings: settings),
    .testTarget(
        name: "DoorbellAuthTests",
        dependencies: [
            "DoorbellTestSupport", "DoorbellAuth", "DoorbellCore", asyncHTTPClient, cryptoExtras, crypto, coreMetrics,
            metricsTestKit, logging, nioCore, nioHTTP1, nioPosix, nioSSL, nioTLS,
        ], swiftSettings: settings),
    .target(
        name: "DoorbellTestSupport", dependencies: ["DoorbellCore", nioCore, nioPosix, nioSSL],
        path: "Tests/DoorbellTestSupport",
        swiftSettings: settings),
    .testTarget(
        name: "DoorbellCoreTests", dependencies: ["DoorbellTestSupport", "DoorbellCore"], swiftSettings: settings),
    .testTarget(
        name: "DoorbellCaptureTests",
        dependencies: [
            "DoorbellTestSupport", "DoorbellCapture", "DoorbellCore", "DoorbellTesting", logging, serviceLifecycle,
        ], swiftSettings: settings),
    .testTarget(
        name: "DoorbellTranslateTests",
        dependencies: [
            "DoorbellCore", "DoorbellTranslate",
        ], swiftSettings: settings),
    .testTarget(
        name: "DoorbellHubTests", dependencies: ["DoorbellTestSupport", "DoorbellCore", "DoorbellHub"],
        swiftSettings: settings),
    .testTarget(
        name: "DoorbellReportTests", dependencies: ["DoorbellReport", "DoorbellTestSupport"], swiftSettings: settings),
    .testTarget(
        name: "DoorbellRolloutTests",
        dependencies: ["DoorbellCore", "DoorbellReport", "DoorbellRollout", "DoorbellTestSupport"],
        swiftSettings: settings),
    .testTarget(
        name: "DoorbellAssessTests", dependencies: ["DoorbellAssess", "DoorbellCore", "DoorbellTesting", "CZlib"],
        swiftSettings: settings),
    .testTarget(
        name: "DoorbellSimulateTests",
        dependencies: [
            "DoorbellCore", "DoorbellReport", "DoorbellRollout", "DoorbellSimulate", "DoorbellTestSupport", nioHTTP1,
        ], swiftSettings: settings),
    .testTarget(
        name: "DoorbellWireTests", dependencies: ["DoorbellTestSupport", "DoorbellCore", "DoorbellWire"],
        swiftSettings: settings),
    .testTarget(
        name: "DoorbellClientTests",
        dependencies: [
            "DoorbellClient", "DoorbellCore", "DoorbellWire", nioCore, nioPosix, nioHTTP1, nioSSL,
        ], swiftSettings: settings),
    .testTarget(
        name: "DoorbellServerTests",
        dependencies: [
            "CZlib", "DoorbellTestSupport", "DoorbellAuth", "DoorbellCore", "DoorbellHub", "DoorbellRollout",
            "DoorbellServer",
            "DoorbellWire", coreMetrics, crypto, logging, nioCore, nioEmbedded, nioHPACK, nioHTTP1, nioHTTP2, nioPosix,
            nioSSL, nioTLS,
        ], swiftSettings: settings),
    .testTarget(
        name: "DoorbellShimTests",
        dependencies: [
            "DoorbellTestSupport", "DoorbellCore", "DoorbellHub", "DoorbellRollout", "DoorbellServer", "DoorbellShim",
            "DoorbellWire",
            logging, nioCore, nioEmbedded, nioHTTP1, nioPosix, nioSSL,
        ], swiftSettings: settings),
    .testTarget(
        name: "DoorbellTests",
        dependencies: [
            "Doorbell", "DoorbellAssess", "DoorbellAuth", "DoorbellCore", "DoorbellDashboard", "DoorbellHub",
            "DoorbellRollout", "DoorbellServer", "DoorbellShim", "DoorbellTesting", coreMetrics, logging,
        ], swiftSettings: settings),
    .testTarget(
        name: "IntegrationTests",
        dependencies: [
            "Doorbell", "DoorbellCLI", "DoorbellCapture", "DoorbellClient", "DoorbellCore", "DoorbellHub",
            "DoorbellRollout", "DoorbellServer", "DoorbellShim", "DoorbellTestSupport", "DoorbellTesting",
            argumentParser,
            logging, nioCore, nioHTTP1,
            nioPosix, serviceLifecycle,
        ], swiftSettings: settings),
]

// Targets follow the picture in ARCHITECTURE.md; arrows only point down, and the build enforces it
// (`--explicit-target-dependency-import-check error` in the Makefile).
let package = Package(
    name: "doorbell",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "doorbell", targets: ["DoorbellCLI"]),
        .executable(name: "doorbell-bench", targets: ["DoorbellBench"]),
        .library(name: "Doorbell", targets: ["Doorbell"]),
        .library(name: "DoorbellClient", targets: ["DoorbellClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.0"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.0", traits: []),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift.git", from: "0.2.0"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.0"),
    ],
    targets: modules + tests
)
