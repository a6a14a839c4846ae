import DoorbellCore
import DoorbellTestSupport
import NIOSSL

/// A client of server-sent events: the parser of WHATWG HTML, section 9.2.6, on a raw socket.
final class EventStreamProbe: Sendable {
    struct Event: Equatable, Sendable {
        var data: String
        /// The last id that was said, by this event or an earlier one.
        var id: String
    }

    let raw: RawClient
    private let state = Locked(
        (rest: [UInt8](), id: "", data: [String](), events: [Event](), comments: 0, isHeadRead: false))

    private init(raw: RawClient) { self.raw = raw }

    static func request(_ path: String, headers: [String] = []) -> String {
        (["GET \(path) HTTP/1.1", "Host: doorbell.test", "Accept: text/event-stream"] + headers)
            .joined(separator: "\r\n") + "\r\n\r\n"
    }

    static func open(
        _ port: Int, path: String, headers: [String] = [], stalled: Bool = false, tls: NIOSSLContext? = nil
    ) async throws -> EventStreamProbe {
        let raw = try await RawClient(port: port, stalled: stalled, tls: tls)
        try await raw.send(request(path, headers: headers))
        return EventStreamProbe(raw: raw)
    }

    var comments: Int { state.withLock { $0.comments } }

    /// Takes the head and the chunks apart; sizes stand on lines of their own.
    private func pull() throws {
        let bytes = raw.bytes
        try state.withLock { state in
            var offset = 0
            func line() -> String? {
                guard let end = bytes[offset...].firstIndex(of: 10) else { return nil }
                defer { offset = end + 1 }
                return String(decoding: bytes[offset..<end].filter { $0 != 13 }, as: UTF8.self)
            }
            if !state.isHeadRead {
                // Of the bytes above: more may have come meanwhile.
                let text = String(decoding: bytes, as: UTF8.self)
                guard let end = text.range(of: "\r\n\r\n") else { return }
                let head = text[..<end.lowerBound]
                guard head.contains("200 OK"), head.contains("text/event-stream"),
                    head.contains("x-accel-buffering: no")
                else { throw RawClient.TimedOut(description: "answered \(text)") }
                offset = head.utf8.count + 4
                state.isHeadRead = true
            }
            var done = offset
            while let text = line(), let size = Int(text, radix: 16), bytes.count >= offset + size + 2 {
                state.rest += bytes[offset..<(offset + size)]
                offset += size + 2
                done = offset
            }
            raw.drop(done)
            while let end = state.rest.firstIndex(of: 10) {
                let text = String(decoding: state.rest[..<end], as: UTF8.self)
                state.rest.removeSubrange(...end)
                if text.isEmpty {
                    if !state.data.isEmpty {
                        state.events.append(Event(data: state.data.joined(separator: "\n"), id: state.id))
                    }
                    state.data = []
                } else if text.hasPrefix("data: ") {
                    state.data.append(String(text.dropFirst(6)))
                } else if text.hasPrefix("id: ") {
                    state.id = String(text.dropFirst(4))
                } else if text.hasPrefix(":") {
                    state.comments += 1
                }
            }
        }
    }

    func next() async throws -> Event {
        try await raw.wait(for: "an event") { _ in
            try self.pull()
            return self.state.withLock { !$0.events.isEmpty }
        }
        return state.withLock { $0.events.removeFirst() }
    }

    func waitForComments(_ count: Int) async throws {
        try await raw.wait(for: "\(count) comments") { _ in
            try self.pull()
            return self.comments >= count
        }
    }
}

extension String {
    fileprivate func range(of part: String) -> Range<String.Index>? { ranges(of: part).first }
}
