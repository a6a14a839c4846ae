import CLibPQ

/// The rows of one statement, or one row of it when it is streamed. Owns the memory that libpq gave for it.
final class PGResult {
    private let handle: OpaquePointer

    init(_ handle: OpaquePointer) { self.handle = handle }

    deinit { PQclear(handle) }

    var count: Int { Int(PQntuples(handle)) }

    /// The text of a field; `nil` for SQL NULL.
    func text(_ row: Int, _ column: Int) -> String? {
        bytes(row, column).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The field as it was sent; valid only as long as the result lives. `nil` for SQL NULL.
    func bytes(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer? {
        let (row, column) = (Int32(row), Int32(column))
        guard row < PQntuples(handle), column < PQnfields(handle), PQgetisnull(handle, row, column) == 0,
            let value = PQgetvalue(handle, row, column)
        else { return nil }
        return UnsafeRawBufferPointer(start: value, count: Int(PQgetlength(handle, row, column)))
    }

    /// A number sent as text; `nil` for SQL NULL and for anything that is not one.
    func integer<Number: FixedWidthInteger>(_ row: Int, _ column: Int) -> Number? {
        bytes(row, column).flatMap { Self.integer($0[...]) }
    }

    /// Without a string in between: the ledger has millions of them.
    static func integer<Number: FixedWidthInteger>(_ text: Slice<UnsafeRawBufferPointer>) -> Number? {
        let isNegative = text.first == UInt8(ascii: "-")
        let digits = isNegative ? text.dropFirst() : text
        guard !digits.isEmpty else { return nil }
        var value: Number = 0
        for byte in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            let digit = Number(byte - UInt8(ascii: "0"))
            let (shifted, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, isOver) =
                isNegative ? shifted.subtractingReportingOverflow(digit) : shifted.addingReportingOverflow(digit)
            guard !isTooLarge, !isOver else { return nil }
            value = sum
        }
        return value
    }

    func boolean(_ row: Int, _ column: Int) -> Bool { text(row, column) == "t" }

    /// A number sent in binary, in network order; `nil` for SQL NULL and for a field of another width.
    func binary<Number: FixedWidthInteger>(_ row: Int, _ column: Int) -> Number? {
        guard let bytes = bytes(row, column), bytes.count == MemoryLayout<Number>.size else { return nil }
        return Number(bigEndian: bytes.loadUnaligned(as: Number.self))
    }
}
