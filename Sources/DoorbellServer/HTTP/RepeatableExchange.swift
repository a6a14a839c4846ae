import NIOCore
import NIOHTTP1

/// A repeatable answer as it goes to the client.
struct RepeatableExchange {
    /// Bytes of a body that each connection keeps: what is saved does not grow with it.
    private static let maximumBody = 16 << 10

    let answer: any RepeatableAnswer
    /// With its framing; `nil` before it is sent.
    var head: HTTPResponseHead?
    var body: [ByteBuffer] = []

    init(answer: any RepeatableAnswer) { self.answer = answer }

    /// Whether the body is as long as the head says, follows as it is, and is not too long to be kept.
    var isWhole: Bool {
        guard let head else { return false }
        let length = body.reduce(0) { $0 + $1.readableBytes }
        guard length <= Self.maximumBody else { return false }
        return head.status == .notModified ? length == 0 : head.headers.first(name: "content-length") == String(length)
    }

    /// The whole answer (RFC 9112, sections 4 and 5).
    var bytes: [UInt8] {
        guard let head else { return [] }
        var bytes = Array("HTTP/1.1 \(head.status.code) \(head.status.reasonPhrase)\r\n".utf8)
        for (name, value) in head.headers {
            bytes += name.utf8
            bytes += ": ".utf8
            bytes += value.utf8
            bytes += "\r\n".utf8
        }
        bytes += "\r\n".utf8
        for part in body { bytes += part.readableBytesView }
        return bytes
    }
}
