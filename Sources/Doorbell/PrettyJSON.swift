import Foundation

/// JSON as people read it: indented, keys in order, slashes as they are.
public enum PrettyJSON {
    /// - Throws: `EncodingError`, for a number that JSON does not have.
    public static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
