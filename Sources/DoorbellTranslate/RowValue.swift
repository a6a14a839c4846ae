import DoorbellCore

/// Appends one column's value to a payload. Unless the column is `bytea` or has a cast, that is its raw JSON.
enum RowValue {
    /// Why a value cannot be told.
    struct Failure: Error, Sendable {
        let reason: String
    }

    static func append(
        _ value: ArraySlice<UInt8>, of column: String, kind: Relation.ColumnKind, cast: Projection.Cast?,
        to json: inout [UInt8]
    ) throws(Failure) {
        if kind == .plain, cast == nil {
            json.append(contentsOf: value)
            return
        }
        var converted = value
        if kind != .plain {
            guard let base64 = base64(value) else {
                throw Failure(reason: "the value of '\(column)' is not bytea text")
            }
            converted = base64[...]
        }
        guard let cast else {
            json.append(contentsOf: converted)
            return
        }
        guard let result = Self.cast(converted, to: cast) else {
            throw Failure(reason: "the value of '\(column)' is not a \(cast.rawValue)")
        }
        json.append(contentsOf: result)
    }

    /// Every string in `value`, which is a string, `null`, or arrays of them, as base64.
    private static func base64(_ value: ArraySlice<UInt8>) -> [UInt8]? {
        var json: [UInt8] = []
        json.reserveCapacity(value.count)
        var index = value.startIndex
        while index < value.endIndex {
            guard value[index] == 0x22 else {
                json.append(value[index])
                index += 1
                continue
            }
            var end = index + 1
            while end < value.endIndex, value[end] != 0x22 { end += value[end] == 0x5C ? 2 : 1 }
            guard end < value.endIndex, let text = JSONScanner.plainText(value[index...end]),
                let bytes = ByteaText.decode(text.utf8)
            else { return nil }
            ByteaText.appendBase64(bytes, to: &json)
            index = end + 1
        }
        return json
    }

    private static func cast(_ value: ArraySlice<UInt8>, to cast: Projection.Cast) -> [UInt8]? {
        guard let text = JSONScanner.plainText(value) else { return Array("null".utf8) }
        switch cast {
        case .string:
            if value.first == 0x22 { return Array(value) }
            var json: [UInt8] = []
            JSONWriter.string(text, to: &json)
            return json
        case .number:
            let digits = Array(text.utf8)
            guard let first = digits.first, first == 0x2D || (0x30...0x39).contains(first) else { return nil }
            var scanner = JSONScanner(digits)
            guard let range = try? scanner.skipValue(), range == 0..<digits.count else { return nil }
            return digits
        case .boolean:
            switch text {
            case "true", "t", "1": return Array("true".utf8)
            case "false", "f", "0": return Array("false".utf8)
            default: return nil
            }
        }
    }
}
