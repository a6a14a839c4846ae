import DoorbellCore

/// A moment as APIs write it: RFC 3339 or close to it, the date of an HTTP header, or Unix time in a unit that its length tells.
struct WrittenTime: Equatable {
    /// Since 1970 UTC.
    let microseconds: Int64
    /// Of its last digit, in microseconds.
    let resolution: Int64

    init?(_ value: JSONTree) {
        switch value {
        case .string(let text): self.init(text: text)
        case .number(let digits): self.init(digits: digits)
        case .null, .bool, .array, .object: return nil
        }
    }

    /// Two moments are the same when they are as far as both are written.
    func agrees(with other: WrittenTime) -> Bool {
        abs(microseconds - other.microseconds) < max(resolution, other.resolution)
    }

    // MARK: Unix time

    /// Ten digits are seconds, thirteen milliseconds, sixteen microseconds: 2001 to 2286.
    init?(digits: String) {
        let halves = digits.split(separator: ".", omittingEmptySubsequences: false)
        guard halves.count <= 2, let whole = Int64(halves[0]), whole > 0 else { return nil }
        switch halves[0].utf8.count {
        case 10:
            let fraction = halves.count == 2 ? Self.fraction(halves[1].utf8) : (0, 1_000_000)
            guard let fraction else { return nil }
            self.init(microseconds: whole * 1_000_000 + fraction.0, resolution: fraction.1)
        case 13: self.init(microseconds: whole * 1000, resolution: 1000)
        case 16: self.init(microseconds: whole, resolution: 1)
        default: return nil
        }
    }

    private init(microseconds: Int64, resolution: Int64) {
        self.microseconds = microseconds
        self.resolution = resolution
    }

    // MARK: Dates

    init?(text: String) {
        let bytes = Array(text.utf8)
        guard (16...40).contains(bytes.count) else { return nil }
        var reader = Reader(bytes: bytes[...])
        guard let time = bytes[3] == 0x2C ? reader.headerDate() : reader.date(), reader.bytes.isEmpty else {
            return nil
        }
        self = time
    }

    /// Digits after the point as microseconds, and what the last of them is worth.
    private static func fraction(_ digits: some Collection<UInt8>) -> (Int64, Int64)? {
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        var value: Int64 = 0
        var worth: Int64 = 1_000_000
        for digit in digits where worth > 1 {
            worth /= 10
            value += Int64(digit - 0x30) * worth
        }
        return (value, worth)
    }

    private struct Reader {
        var bytes: ArraySlice<UInt8>

        private static let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]

        mutating func number(_ count: Int, _ range: ClosedRange<Int64>) -> Int64? {
            let digits = bytes.prefix(count)
            guard digits.count == count, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            bytes = bytes.dropFirst(count)
            let value = digits.reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
            return range.contains(value) ? value : nil
        }

        mutating func skip(_ allowed: String) -> Bool {
            guard let first = bytes.first, allowed.utf8.contains(first) else { return false }
            bytes = bytes.dropFirst()
            return true
        }

        /// `2026-11-26T02:10:12.345+01:00`, with a space for the `T`, without seconds, without a zone.
        mutating func date() -> WrittenTime? {
            guard let year = number(4, 1...9999), skip("-"), let month = number(2, 1...12), skip("-"),
                let day = number(2, 1...31), skip("Tt "), let time = clock()
            else { return nil }
            var zone: Int64 = 0
            if !skip("Zz"), let sign = bytes.first, sign == 0x2B || sign == 0x2D {
                bytes = bytes.dropFirst()
                guard let hours = number(2, 0...15) else { return nil }
                if skip(":") || !bytes.isEmpty {
                    guard let minutes = number(2, 0...59) else { return nil }
                    zone = minutes
                }
                zone = (zone + hours * 60) * 60_000_000 * (sign == 0x2D ? -1 : 1)
            }
            return moment(year, month, day, time, zone: zone)
        }

        /// `Thu, 26 Nov 2026 02:10:12 GMT`
        mutating func headerDate() -> WrittenTime? {
            bytes = bytes.dropFirst(5)
            guard let day = number(2, 1...31), skip(" "),
                let month = Self.months.firstIndex(of: String(decoding: bytes.prefix(3), as: UTF8.self))
            else { return nil }
            bytes = bytes.dropFirst(3)
            guard skip(" "), let year = number(4, 1...9999), skip(" "), let time = clock(),
                bytes.elementsEqual(" GMT".utf8)
            else { return nil }
            bytes = []
            return moment(year, Int64(month + 1), day, time, zone: 0)
        }

        private mutating func clock() -> (Int64, Int64)? {
            guard let hour = number(2, 0...23), skip(":"), let minute = number(2, 0...59) else { return nil }
            let minutes = (hour * 60 + minute) * 60_000_000
            guard skip(":") else { return (minutes, 60_000_000) }
            guard let second = number(2, 0...60) else { return nil }
            guard skip(".,") else { return (minutes + second * 1_000_000, 1_000_000) }
            let digits = bytes.prefix { (0x30...0x39).contains($0) }
            bytes = bytes[digits.endIndex...]
            return WrittenTime.fraction(digits).map { (minutes + second * 1_000_000 + $0.0, $0.1) }
        }

        /// The civil calendar, counted in years that begin in March.
        private func moment(
            _ year: Int64, _ month: Int64, _ day: Int64, _ time: (Int64, Int64), zone: Int64
        ) -> WrittenTime {
            let shifted = month > 2 ? year : year - 1
            let era = shifted / 400
            let yearOfEra = shifted - era * 400
            let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
            let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
            return WrittenTime(microseconds: days * 86_400_000_000 + time.0 - zone, resolution: time.1)
        }
    }
}
