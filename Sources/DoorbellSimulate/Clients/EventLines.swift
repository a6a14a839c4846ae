/// Takes `data` out of server-sent events, one line each, as Doorbell writes them. Pure.
struct EventLines {
    /// Of one line; a longer one is left out.
    private static let limit = 1 << 20
    private static let field = Array("data: ".utf8)
    private var line: [UInt8] = []
    private var isTooLong = false

    mutating func append(_ bytes: some Sequence<UInt8>, _ message: ([UInt8]) -> Void) {
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                if line.count < Self.limit { line.append(byte) } else { isTooLong = true }
                continue
            }
            if !isTooLong, line.starts(with: Self.field) { message(Array(line.dropFirst(Self.field.count))) }
            line.removeAll(keepingCapacity: true)
            isTooLong = false
        }
    }
}
