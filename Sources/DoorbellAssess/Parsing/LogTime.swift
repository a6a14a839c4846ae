/// Times as logs write them, in milliseconds since 1970. Pure; `nil` for what is none.
enum LogTime {
    /// `10/Oct/2000:13:55:36 -0700`.
    static func common(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        guard bytes.count >= 20, bytes[2] == 0x2F, bytes[6] == 0x2F, bytes[11] == 0x3A, bytes[14] == 0x3A,
            bytes[17] == 0x3A,
            let day = number(bytes, 0, 2), let month = month(bytes), let year = number(bytes, 7, 4),
            let seconds = clock(bytes, 12), (1...31).contains(day)
        else { return nil }
        var time = days(year, month, day) * 86_400 + seconds
        if bytes.count >= 26, bytes[20] == 0x20 {
            guard let hours = number(bytes, 22, 2), let minutes = number(bytes, 24, 2) else { return nil }
            let offset = Int64(hours * 3600 + minutes * 60)
            time -= bytes[21] == 0x2D ? -offset : offset
        }
        return time * 1000
    }

    /// RFC 3339, and its kin with a space or without a zone (taken as UTC): `2024-05-01T10:00:00.123Z`.
    static func iso(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        guard bytes.count >= 19, bytes[4] == 0x2D || bytes[4] == 0x2F, bytes[7] == bytes[4], bytes[13] == 0x3A,
            bytes[16] == 0x3A,
            let year = number(bytes, 0, 4), let month = number(bytes, 5, 2), let day = number(bytes, 8, 2),
            (1...12).contains(month), (1...31).contains(day), let seconds = clock(bytes, 11)
        else { return nil }
        var milliseconds = (days(year, month, day) * 86_400 + seconds) * 1000
        var index = 19
        if index < bytes.count, bytes[index] == 0x2E || bytes[index] == 0x2C {
            index += 1
            var scale: Int64 = 100
            while index < bytes.count, (0x30...0x39).contains(bytes[index]) {
                milliseconds += Int64(bytes[index] - 0x30) * scale
                scale /= 10
                index += 1
            }
        }
        if index < bytes.count, bytes[index] == 0x2B || bytes[index] == 0x2D {
            guard let hours = number(bytes, index + 1, 2) else { return nil }
            let hasColon = index + 3 < bytes.count && bytes[index + 3] == 0x3A
            let minutes = number(bytes, index + (hasColon ? 4 : 3), 2) ?? 0
            let offset = Int64(hours * 3600 + minutes * 60) * 1000
            milliseconds -= bytes[index] == 0x2D ? -offset : offset
        }
        return milliseconds
    }

    /// Seconds since 1970 with or without a fraction; more than twelve digits before the point are milliseconds, more than fifteen
    /// microseconds.
    static func epoch(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        guard let number = Self.decimal(bytes) else { return nil }
        if number >= 1e15 { return Int64(exactly: (number / 1000).rounded()) }
        if number >= 1e12 { return Int64(exactly: number.rounded()) }
        return Int64(exactly: (number * 1000).rounded())
    }

    /// Whichever of them it is.
    static func any(_ bytes: UnsafeRawBufferPointer) -> Int64? {
        guard bytes.count >= 9 else { return nil }
        if bytes[2] == 0x2F { return common(bytes) }
        if bytes[4] == 0x2D || bytes[4] == 0x2F { return iso(bytes) }
        return epoch(bytes)
    }

    /// An unsigned decimal, `12.345` or `1.7e9`.
    static func decimal(_ bytes: UnsafeRawBufferPointer) -> Double? {
        guard !bytes.isEmpty, bytes.count <= 32 else { return nil }
        var value = 0.0
        var scale = 0.0
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case 0x30...0x39:
                value = value * 10 + Double(bytes[index] - 0x30)
                scale *= 10
            case 0x2E where scale == 0: scale = 1
            case 0x65, 0x45:
                guard index > 0 else { return nil }
                let text = String(decoding: bytes, as: UTF8.self)
                return Double(text).flatMap { $0 >= 0 && $0.isFinite ? $0 : nil }
            default: return nil
            }
            index += 1
        }
        return scale > 1 ? value / scale : value
    }

    static func integer(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
        guard !bytes.isEmpty, bytes.count <= 18 else { return nil }
        var value: UInt64 = 0
        for byte in bytes {
            let digit = byte &- 0x30
            guard digit < 10 else { return nil }
            value = value &* 10 &+ UInt64(digit)
        }
        return value
    }

    private static func number(_ bytes: UnsafeRawBufferPointer, _ offset: Int, _ digits: Int) -> Int? {
        guard offset + digits <= bytes.count else { return nil }
        var value = 0
        for index in offset..<(offset + digits) {
            let digit = bytes[index] &- 0x30
            guard digit < 10 else { return nil }
            value = value * 10 + Int(digit)
        }
        return value
    }

    private static func clock(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Int64? {
        guard let hour = number(bytes, offset, 2), let minute = number(bytes, offset + 3, 2),
            let second = number(bytes, offset + 6, 2), hour < 24, minute < 60, second <= 60
        else { return nil }
        return Int64(hour * 3600 + minute * 60 + second)
    }

    private static func month(_ bytes: UnsafeRawBufferPointer) -> Int? {
        let word = UInt32(bytes[3] | 0x20) << 16 | UInt32(bytes[4] | 0x20) << 8 | UInt32(bytes[5] | 0x20)
        let names: [StaticString] = [
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ]
        return names.firstIndex { name in
            let text = name.utf8Start
            return UInt32(text[0]) << 16 | UInt32(text[1]) << 8 | UInt32(text[2]) == word
        }.map { $0 + 1 }
    }

    /// Days since 1970: Howard Hinnant's days_from_civil, in which years begin in March.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = year / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return Int64(era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468)
    }
}
