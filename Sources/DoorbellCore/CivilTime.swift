/// Moments as people and HTTP write them, in the Gregorian calendar, without leap seconds. Pure.
extension Timestamp {
    /// RFC 3339, to the day (its begin in UTC), the minute or the second: `2026-12-01`, `2026-12-01T10:00Z`, `2026-12-01T10:00:30+01:00`.
    /// `nil` for anything else.
    public init?(rfc3339 text: String) {
        var rest = text.utf8[...]
        func number(_ digits: Int) -> Int? {
            guard rest.count >= digits else { return nil }
            let part = rest.prefix(digits)
            guard part.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            rest = rest.dropFirst(digits)
            return part.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }
        func skip(_ character: Character) -> Bool {
            guard let byte = character.asciiValue, rest.first == byte else { return false }
            rest = rest.dropFirst()
            return true
        }
        guard let year = number(4), skip("-"), let month = number(2), skip("-"), let day = number(2),
            (1...12).contains(month), day >= 1, day <= Self.days(in: month, of: year)
        else { return nil }
        var seconds = Self.daysSince1970(year, month, day) * 86_400
        if !rest.isEmpty {
            guard skip("T") || skip("t") || skip(" "), let hour = number(2), hour < 24, skip(":"),
                let minute = number(2), minute < 60
            else { return nil }
            var second = 0
            if skip(":") {
                guard let given = number(2), given < 60 else { return nil }
                second = given
            }
            seconds += Int64(hour * 3600 + minute * 60 + second)
            if !skip("Z"), !skip("z") {
                let isEast = skip("+")
                guard isEast || skip("-"), let hours = number(2), hours < 24, skip(":"), let minutes = number(2),
                    minutes < 60
                else { return nil }
                seconds += Int64(hours * 3600 + minutes * 60) * (isEast ? -1 : 1)
            }
            guard rest.isEmpty else { return nil }
        }
        self.init(microseconds: seconds * 1_000_000)
    }

    /// Whole seconds since 1970, rounded down.
    public var seconds: Int64 {
        microseconds >= 0 ? microseconds / 1_000_000 : (microseconds - 999_999) / 1_000_000
    }

    /// As HTTP writes dates (RFC 9110, section 5.6.7): `Tue, 01 Dec 2026 10:00:00 GMT`.
    public var httpDate: String {
        let day = Self.floor(seconds, 86_400)
        let (year, month, number) = Self.civil(day)
        let names = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let name = names[Int(day - Self.floor(day, 7) * 7)]
        return "\(name), \(Self.two(number)) \(months[month - 1]) \(Self.four(year)) \(clock(day)) GMT"
    }

    /// `2026-12-01T10:00:00Z`.
    public var rfc3339: String {
        let day = Self.floor(seconds, 86_400)
        let (year, month, number) = Self.civil(day)
        return "\(Self.four(year))-\(Self.two(month))-\(Self.two(number))T\(clock(day))Z"
    }

    private func clock(_ day: Int64) -> String {
        let second = Int(seconds - day * 86_400)
        return "\(Self.two(second / 3600)):\(Self.two(second / 60 % 60)):\(Self.two(second % 60))"
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    private static func four(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    private static func floor(_ number: Int64, _ divisor: Int64) -> Int64 {
        number >= 0 ? number / divisor : -((-number + divisor - 1) / divisor)
    }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Of a year from 0: Howard Hinnant's days_from_civil, in which years begin in March.
    private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
        let year = Int64(month <= 2 ? year - 1 : year)
        let era = floor(year, 400)
        let yearOfEra = year - era * 400
        let dayOfYear = Int64((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1)
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(_ days: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = floor(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = Int(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
        let year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
        return (year, month, Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1))
    }
}
