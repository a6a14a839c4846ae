/// What a segment of a path looks like, judged by its characters alone.
enum SegmentClass: UInt8, Sendable {
    /// Words: part of the route.
    case literal
    /// A word that may be somebody's name for something: `blue-cotton-shirt`, `user123`. Part of the route while there are few of them.
    case name
    /// An identifier: digits, UUID, hexadecimal, ULID, a token, an e-mail address.
    case identifier
    case date
    /// A file by its ending.
    case file

    /// Whether it stands for a value rather than for a part of the route.
    var isParameter: Bool { self == .identifier || self == .date }

    init(_ segment: UnsafeRawBufferPointer) {
        let census = Census(segment)
        let count = segment.count
        if census.digits == count, count > 0 {
            self = .identifier
        } else if census.isUUID(segment) {
            self = .identifier
        } else if Self.isDate(segment) {
            self = .date
        } else if census.at > 0 || segment.first == 0x7E {
            self = .identifier
        } else if census.isOpaque(count) {
            self = .identifier
        } else if census.isPrefixed(segment) {
            self = .identifier
        } else if census.looksLikeName(segment) {
            self = .name
        } else {
            self = .literal
        }
    }

    private static func isDate(_ segment: UnsafeRawBufferPointer) -> Bool {
        guard segment.count >= 7, segment.count <= 35, segment[4] == 0x2D || segment[4] == 0x2F else { return false }
        for index in [0, 1, 2, 3, 5, 6] where !(0x30...0x39).contains(segment[index]) { return false }
        return segment.count == 7 || segment[7] == 0x2D
    }

    /// How many characters of each kind.
    private struct Census {
        var digits = 0
        var lower = 0
        var upper = 0
        var hexLetters = 0
        var dashes = 0
        var underscores = 0
        var at = 0
        var other = 0
        /// Times that a digit follows a letter or the other way round: identifiers jump, words do not.
        var turns = 0

        init(_ segment: UnsafeRawBufferPointer) {
            var previousIsDigit = false
            var hasPrevious = false
            for byte in segment {
                switch byte {
                case 0x30...0x39:
                    digits &+= 1
                    if hasPrevious, !previousIsDigit { turns &+= 1 }
                    previousIsDigit = true
                    hasPrevious = true
                    continue
                case 0x61...0x66:
                    lower &+= 1
                    hexLetters &+= 1
                case 0x67...0x7A: lower &+= 1
                case 0x41...0x46:
                    upper &+= 1
                    hexLetters &+= 1
                case 0x47...0x5A: upper &+= 1
                case 0x2D:
                    dashes &+= 1
                    hasPrevious = false
                    continue
                case 0x5F:
                    underscores &+= 1
                    hasPrevious = false
                    continue
                case 0x40: at &+= 1
                default: other &+= 1
                }
                if hasPrevious, previousIsDigit { turns &+= 1 }
                previousIsDigit = false
                hasPrevious = true
            }
        }

        private var letters: Int { lower + upper }

        func isUUID(_ segment: UnsafeRawBufferPointer) -> Bool {
            segment.count == 36 && dashes == 4 && digits + hexLetters == 32 && segment[8] == 0x2D && segment[13] == 0x2D
                && segment[18] == 0x2D && segment[23] == 0x2D
        }

        /// Hexadecimal, ULID, base64url: long, of letters and digits that jump.
        func isOpaque(_ count: Int) -> Bool {
            let isHex = digits + hexLetters == count
            if isHex, digits > 0, count >= 8, hexLetters > 0 { return count >= 12 || turns >= 2 }
            guard other == 0, digits > 0, letters > 0, count >= 10 else { return false }
            let isMixed = upper > 0 && lower > 0
            if dashes == 0, underscores <= 1, count >= 20, turns >= 3 { return true }
            if dashes == 0, underscores == 0, isMixed, turns >= 2 { return true }
            return count >= 16 && turns >= 3 && (isMixed || dashes + underscores == 0)
        }

        /// `cus_9s6XKzkNRiz8i3`, `ord-000123`: a word, and a number or an identifier after it.
        func isPrefixed(_ segment: UnsafeRawBufferPointer) -> Bool {
            guard dashes + underscores == 1, other == 0, digits >= 3 else { return false }
            guard let at = segment.firstIndex(where: { $0 == 0x2D || $0 == 0x5F }) else { return false }
            let tail = UnsafeRawBufferPointer(rebasing: segment[(at + 1)...])
            guard at >= 1, at <= 8, segment[..<at].allSatisfy({ !(0x30...0x39).contains($0) }) else { return false }
            let tailDigits = tail.count(where: { (0x30...0x39).contains($0) })
            return tail.count >= 3 && (tailDigits == tail.count || (tail.count >= 8 && turns >= 2))
        }

        func looksLikeName(_ segment: UnsafeRawBufferPointer) -> Bool {
            if dashes >= 2 || other > 0 && segment.contains(0x25) { return true }
            return digits >= 1 && letters >= 3 || segment.count >= 24
        }
    }
}
