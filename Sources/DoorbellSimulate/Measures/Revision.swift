/// The number of the newest change that an answer or a message shows: the largest number behind `"revision":`.
enum Revision {
    private static let name = Array(#""revision""#.utf8)

    /// `nil`: there is none. Reads what the simulated API and Doorbell write; text that a user wrote is not in it.
    static func newest(in bytes: some Collection<UInt8>) -> Int? {
        bytes.withContiguousStorageIfAvailable { newest(in: UnsafeRawBufferPointer($0)) }
            ?? Array(bytes).withUnsafeBytes { newest(in: $0) }
    }

    static func newest(in bytes: UnsafeRawBufferPointer) -> Int? {
        var newest: Int?
        var index = 0
        while index + name.count < bytes.count {
            guard bytes[index] == name[0], matches(bytes, at: index) else {
                index += 1
                continue
            }
            index += name.count
            guard let number = number(bytes, &index) else { continue }
            newest = max(newest ?? 0, number)
        }
        return newest
    }

    private static func matches(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Bool {
        for offset in 1..<name.count where bytes[index + offset] != name[offset] { return false }
        return true
    }

    /// What follows a name: spaces, a colon, spaces, digits.
    private static func number(_ bytes: UnsafeRawBufferPointer, _ index: inout Int) -> Int? {
        var hasColon = false
        while index < bytes.count, bytes[index] == UInt8(ascii: " ") || (bytes[index] == UInt8(ascii: ":") && !hasColon)
        {
            if bytes[index] == UInt8(ascii: ":") { hasColon = true }
            index += 1
        }
        guard hasColon else { return nil }
        var number: Int?
        while index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) {
            let (tens, isTooBig) = (number ?? 0).multipliedReportingOverflow(by: 10)
            let (sum, isStill) = tens.addingReportingOverflow(Int(bytes[index] - UInt8(ascii: "0")))
            if isTooBig || isStill { return nil }
            number = sum
            index += 1
        }
        return number
    }
}
