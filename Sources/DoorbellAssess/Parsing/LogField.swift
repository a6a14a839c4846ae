/// What a place in a line of a log holds.
enum LogField: Hashable, Sendable {
    case address
    /// Addresses separated by commas, the client's first; `-` without one.
    case forwardedFor
    /// An address with a port behind it: `192.0.2.1:4711`.
    case addressAndPort
    case user
    /// What the caller of the command named as the client.
    case client
    case time
    /// `GET /path HTTP/1.1`.
    case request
    case method
    /// Path and query.
    case target
    case query
    case status
    case bytes
    case agent
    case seconds, milliseconds, microseconds
    case ignored
}

/// What a line says, as slices of it.
struct LineFields {
    var address = UnsafeRawBufferPointer(start: nil, count: 0)
    var user = UnsafeRawBufferPointer(start: nil, count: 0)
    var client = UnsafeRawBufferPointer(start: nil, count: 0)
    var agent = UnsafeRawBufferPointer(start: nil, count: 0)
    var method = UnsafeRawBufferPointer(start: nil, count: 0)
    var target = UnsafeRawBufferPointer(start: nil, count: 0)
    var query = UnsafeRawBufferPointer(start: nil, count: 0)
    var time: Int64?
    var status: UInt16?
    var bytes: UInt32 = 0
    var duration = LogEntry.unknownDuration
    /// Where the target stands in the bytes that were unescaped, when it had to be.
    var decodedTarget: Range<Int>?
    /// Of ``address``: a better one replaces a worse one.
    var addressRank: UInt8 = 0

    /// - Returns: Why the value cannot be one of `field`.
    @inline(__always)
    mutating func set(_ field: LogField, _ value: UnsafeRawBufferPointer) -> BadLine? {
        switch field {
        case .ignored: return nil
        case .address:
            guard !value.isEmpty, value.count <= 255 else { return .noAddress }
            if addressRank <= 1 { address = value }
        case .addressAndPort:
            guard let colon = value.lastIndex(of: 0x3A) else { return .noAddress }
            address = UnsafeRawBufferPointer(rebasing: value[..<colon])
        case .forwardedFor:
            let first = value.prefix { $0 != 0x2C }
            if !first.isEmpty, first.first != 0x2D {
                address = UnsafeRawBufferPointer(rebasing: first)
                addressRank = 3
            }
        case .user: user = value
        case .client: client = value
        case .time: return .badTime
        case .request: return setRequest(value)
        case .method: method = value
        case .target: target = value
        case .query: query = value
        case .status:
            guard value.count == 3, let number = LogTime.integer(value), number >= 100 else {
                // HAProxy and others write -1 or 000 when there was no answer.
                guard value.elementsEqual("000".utf8) || value.first == 0x2D else { return .badStatus }
                status = 0
                return nil
            }
            status = UInt16(number)
        case .bytes:
            if let number = LogTime.integer(value) {
                bytes = UInt32(clamping: number)
            } else if value.first != 0x2D {
                return .badBytes
            }
        case .agent: agent = value
        case .seconds: setDuration(value, times: 1_000_000)
        case .milliseconds: setDuration(value, times: 1000)
        case .microseconds: setDuration(value, times: 1)
        }
        return nil
    }

    mutating func setDuration(_ value: UnsafeRawBufferPointer, times factor: Double) {
        guard let number = LogTime.decimal(value) else { return }
        duration = UInt32(min(number * factor, Double(UInt32.max - 1)))
    }

    /// A request line without a target (`-`, or bytes that were no HTTP) is no mistake of the log.
    private mutating func setRequest(_ value: UnsafeRawBufferPointer) -> BadLine? {
        guard let space = value.firstIndex(of: 0x20) else {
            target = UnsafeRawBufferPointer(start: nil, count: 0)
            return nil
        }
        method = UnsafeRawBufferPointer(rebasing: value[..<space])
        var end = value.count
        if let last = value.lastIndex(of: 0x20), last > space { end = last }
        target = UnsafeRawBufferPointer(rebasing: value[(space + 1)..<end])
        return nil
    }
}

/// Why a line was not counted.
enum BadLine: String, Error, Sendable, CaseIterable {
    case mismatch = "not in this format"
    case noAddress = "no client address"
    case badTime = "no time that can be read"
    case badStatus = "no status"
    case badBytes = "no size"
    case tooLong = "longer than 64 KiB"
    case badJSON = "not JSON"
    case missing = "a field is missing"
}
