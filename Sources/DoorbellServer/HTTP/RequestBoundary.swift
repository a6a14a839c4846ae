import NIOCore

/// Where requests begin and end among the bytes of an HTTP/1.1 connection, as far as that is certain. Pure.
///
/// It reads nothing but the end of a head. Whether what it counted was one request is settled when the request has been answered: its
/// head and its body, as the parser understood them, have to be all that was received. Otherwise something of a next request may be
/// waiting in the parser, and nothing is certain on this connection any more.
struct RequestBoundary {
    /// Bytes of a request that is remembered.
    static let maximumLength = 2048

    private enum State {
        /// Everything that was received belongs to requests that were answered.
        case between
        /// In the middle of one request, or in the middle of several.
        case inside
        case lost
    }

    private var state = State.between
    /// What was received of the request, while it may be one that is remembered.
    private var request: [UInt8] = []
    private var received = 0
    /// Of the request's head; 0: its end has not come.
    private var headLength = 0

    /// Whether the next byte begins a request.
    var isBetween: Bool { if case .between = state { true } else { false } }

    mutating func received(_ bytes: UnsafeRawBufferPointer) {
        if case .lost = state { return }
        state = .inside
        received += bytes.count
        guard headLength == 0 else { return }
        guard received <= Self.maximumLength else { return lose() }
        let searchedFrom = max(0, request.count - 3)
        request.append(contentsOf: bytes)
        headLength = Self.endOfHead(in: request, from: searchedFrom)
    }

    /// The request was answered, and the connection goes on.
    ///
    /// - Parameter bodyLength: What its head says; `nil`: that it says nothing about.
    /// - Returns: Its bytes, where it had no body; `nil` when they are not known for sure.
    mutating func answered(bodyLength: Int?) -> [UInt8]? {
        guard case .inside = state, headLength > 0, let bodyLength, received == headLength + bodyLength else {
            lose()
            return nil
        }
        defer {
            state = .between
            request = []
            received = 0
            headLength = 0
        }
        return bodyLength == 0 ? request : nil
    }

    private mutating func lose() {
        state = .lost
        request = []
    }

    /// - Returns: 0: it is not there.
    private static func endOfHead(in bytes: [UInt8], from start: Int) -> Int {
        var index = start
        while index + 3 < bytes.count {
            if bytes[index] == 0x0D, bytes[index + 1] == 0x0A, bytes[index + 2] == 0x0D, bytes[index + 3] == 0x0A {
                return index + 4
            }
            index += 1
        }
        return 0
    }
}
