import Crypto
import DoorbellCore
public import NIOCore
public import NIOHTTP1

/// Entity tags (RFC 9110, section 8.8.3) for answers of a legacy API that makes none.
public enum EntityTag {
    /// The answer's own tag, or one made from its body; `nil`: the body is too long, or the answer was compressed, so that the same
    /// content could come as other bytes.
    static func of(_ answer: PollAnswer) -> String? {
        if let own = answer.headers.first(name: "etag") { return own }
        guard let body = answer.body, !answer.headers.contains(name: "content-encoding") else { return nil }
        return made(from: body)
    }

    /// A weak tag from the first half of the body's SHA-256: nobody can make two bodies that have the same one.
    public static func made(from body: ByteBuffer) -> String {
        var hash = SHA256()
        body.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
        let digits = Array("0123456789abcdef".utf8)
        var text = Array("W/\"".utf8)
        for byte in hash.finalize().prefix(16) {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        text.append(UInt8(ascii: "\""))
        return String(decoding: text, as: UTF8.self)
    }

    /// For weak comparison.
    public static func opaque(_ tag: String) -> String { tag.hasPrefix("W/") ? String(tag.dropFirst(2)) : tag }

    /// Whether an `If-None-Match` names `tag`.
    public static func isNamed(_ tag: String, by headers: HTTPHeaders) -> Bool {
        let wanted = opaque(tag)
        return headers[canonicalForm: "if-none-match"].contains { $0 == "*" || opaque(String($0)) == wanted }
    }
}

extension StringProtocol {
    var trimmed: SubSequence {
        var rest = self[...]
        while let first = rest.first, first == " " || first == "\t" { rest = rest.dropFirst() }
        while let last = rest.last, last == " " || last == "\t" { rest = rest.dropLast() }
        return rest
    }
}
