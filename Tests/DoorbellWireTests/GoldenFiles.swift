import Foundation

/// The messages that both ends test against, one a file in `Tests/Fixtures/wire/v1`.
enum GoldenFiles {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/wire/v1")

    static func read(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: directory.appending(path: name + ".json")))
    }

    /// Names without `.json`, sorted.
    static func names(prefix: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.path)
            .filter { $0.hasPrefix(prefix) && $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
    }
}
