// swift-tools-version: 6.2

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
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
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-collections.git", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", from: "2.28.0", traits: []),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift.git", from: "0.2.0"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.2.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        .target(name: "DoorbellCore", swiftSettings: settings),
        .target(
            name: "DoorbellCapture",
            dependencies: [
                "DoorbellCore", "CLibPQ",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], swiftSettings: settings),
        .target(name: "DoorbellTranslate", dependencies: ["DoorbellCore"], swiftSettings: settings),
        .target(
            name: "DoorbellHub",
            dependencies: ["DoorbellCore", .product(name: "DequeModule", package: "swift-collections")],
            swiftSettings: settings),
        .target(
            name: "DoorbellRollout",
            dependencies: ["DoorbellCore", .product(name: "Histogram", package: "hdrhistogram-swift")],
            swiftSettings: settings),
        .target(name: "DoorbellWire", dependencies: ["DoorbellCore"], swiftSettings: settings),
        .target(
            name: "DoorbellServer",
            dependencies: [
                "DoorbellCore", "DoorbellHub", "DoorbellWire",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], swiftSettings: settings),
        .target(
            name: "DoorbellShim",
            dependencies: [
                "DoorbellCore", "DoorbellHub", "DoorbellRollout", "DoorbellServer",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
            ], swiftSettings: settings),
        .target(
            name: "DoorbellClient",
            dependencies: [
                "DoorbellCore", "DoorbellWire",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ], swiftSettings: settings),
        .target(
            name: "Doorbell",
            dependencies: [
                "DoorbellCore", "DoorbellCapture", "DoorbellTranslate", "DoorbellHub", "DoorbellRollout",
                "DoorbellWire", "DoorbellServer", "DoorbellShim",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ], swiftSettings: settings),
        .executableTarget(
            name: "DoorbellCLI",
            dependencies: [
                "Doorbell", "DoorbellClient", "DoorbellCore",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: settings),
        .target(
            name: "DoorbellTesting",
            dependencies: ["DoorbellCore", "DoorbellCapture", "CLibPQ"],
            swiftSettings: settings),
        .executableTarget(
            name: "DoorbellBench",
            dependencies: [
                "Doorbell", "DoorbellClient", "DoorbellCore", "DoorbellCapture", "DoorbellTesting",
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: settings),
        .testTarget(name: "DoorbellCoreTests", dependencies: ["DoorbellCore"], swiftSettings: settings),
        .testTarget(
            name: "DoorbellCaptureTests",
            dependencies: [
                "DoorbellCapture", "DoorbellCore", "DoorbellTesting",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], swiftSettings: settings),
        .testTarget(
            name: "DoorbellTranslateTests", dependencies: ["DoorbellCore", "DoorbellTranslate"], swiftSettings: settings),
        .testTarget(name: "DoorbellHubTests", dependencies: ["DoorbellCore", "DoorbellHub"], swiftSettings: settings),
        .testTarget(name: "DoorbellRolloutTests", dependencies: ["DoorbellRollout"], swiftSettings: settings),
        .testTarget(name: "DoorbellWireTests", dependencies: ["DoorbellCore", "DoorbellWire"], swiftSettings: settings),
        .testTarget(
            name: "DoorbellClientTests",
            dependencies: [
                "DoorbellClient", "DoorbellCore", "DoorbellWire",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ], swiftSettings: settings),
        .testTarget(
            name: "DoorbellServerTests",
            dependencies: [
                "DoorbellCore", "DoorbellHub", "DoorbellServer", "DoorbellWire",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ], swiftSettings: settings),
        .testTarget(
            name: "DoorbellShimTests",
            dependencies: [
                "DoorbellCore", "DoorbellHub", "DoorbellRollout", "DoorbellServer", "DoorbellShim", "DoorbellWire",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ], swiftSettings: settings),
        .testTarget(
            name: "DoorbellTests",
            dependencies: [
                "Doorbell", "DoorbellCore",
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ], swiftSettings: settings),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "DoorbellCLI", "DoorbellClient", "DoorbellCore", "DoorbellTesting",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ], swiftSettings: settings),
    ]
)
