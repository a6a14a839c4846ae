import DoorbellCore
import NIOHTTP1

/// A line of the access log, in the combined format of Apache and nginx:
/// `address - - [26/Nov/2026:02:18:48 +0000] "GET /path HTTP/1.1" 200 512 "referer" "agent"`. Pure.
///
/// Quotes, backslashes, control characters and bytes beyond ASCII are written as Apache does (`\"`, `\\`, `\x0a`), so a line is a line
/// whatever a client sends. Values of ``secrets`` in the target and the referer are written as `***`.
struct AccessLine {
    /// Names in a query whose values let somebody in.
    static let secrets: Set<String> = ["token", "ticket", "access_token", "id_token"]

    private let client: String
    /// From the opening quote of the request to its closing one.
    private let request: [UInt8]
    /// The two quoted fields at the end.
    private let visitor: [UInt8]

    /// - Parameters:
    ///   - client: Its address; `nil`: it has none.
    ///   - head: `nil`: what came was no request.
    init(client: String?, head: HTTPRequestHead?, isHTTP2: Bool) {
        self.client = client ?? "-"
        guard let head else {
            request = Array("\"-\"".utf8)
            visitor = Array("\"-\" \"-\"".utf8)
            return
        }
        var request = Array("\"".utf8)
        Self.append(head.method.rawValue.utf8, to: &request)
        request.append(0x20)
        Self.append(Self.redacted(Array(head.uri.utf8)), to: &request)
        let version = isHTTP2 ? "HTTP/2.0" : "HTTP/\(head.version.major).\(head.version.minor)"
        request += Array(" \(version)\"".utf8)
        self.request = request
        var visitor = Array("\"".utf8)
        if let referer = head.headers.first(name: "referer") {
            Self.append(Self.redacted(Array(referer.utf8)), to: &visitor)
        } else {
            visitor.append(UInt8(ascii: "-"))
        }
        visitor += Array("\" \"".utf8)
        Self.append((head.headers.first(name: "user-agent") ?? "-").utf8, to: &visitor)
        visitor.append(UInt8(ascii: "\""))
        self.visitor = visitor
    }

    /// - Parameters:
    ///   - sent: Bytes of the answer's body, or of all that followed the handshake.
    ///   - now: When the answer ended.
    /// - Returns: The whole line, its end included.
    func bytes(status: Int, sent: Int, now: Timestamp) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(request.count + visitor.count + 96)
        line += Array("\(client) - - [\(Self.time(now))] ".utf8)
        line += request
        line += Array(" \(status) \(sent) ".utf8)
        line += visitor
        line.append(0x0A)
        return line
    }

    /// `26/Nov/2026:02:18:48 +0000`
    static func time(_ now: Timestamp) -> String {
        let seconds = now.microseconds.floored(by: 1_000_000)
        let days = seconds.floored(by: 86_400)
        let second = Int(seconds - days * 86_400)
        // Days since the first of March of a year 0 (Howard Hinnant's civil_from_days).
        let shifted = days + 719_468
        let era = shifted.floored(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = Int(dayOfYear - (153 * month + 2) / 5 + 1)
        let year = yearOfEra + era * 400 + (month >= 10 ? 1 : 0)
        let names = ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"]
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return
            "\(two(day))/\(names[Int(month)])/\(year):\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60)) +0000"
    }

    /// A URL without the values of ``secrets``.
    static func redacted(_ url: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(url.count)
        var index = 0
        while index < url.count {
            let byte = url[index]
            result.append(byte)
            index += 1
            guard isSeparator(byte) else { continue }
            let end = url[index...].firstIndex { $0 == UInt8(ascii: "=") || isSeparator($0) } ?? url.count
            guard end < url.count, url[end] == UInt8(ascii: "=") else { continue }
            let name = url[index..<end]
            let decoded = PercentEncoding.decode(name) ?? String(decoding: name, as: UTF8.self)
            guard secrets.contains(decoded.lowercased()) else { continue }
            result += name
            result += Array("=***".utf8)
            index = url[end...].firstIndex { $0 == UInt8(ascii: "&") || $0 == UInt8(ascii: "#") } ?? url.count
        }
        return result
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "?"), UInt8(ascii: "&"), UInt8(ascii: "#"), UInt8(ascii: ";"): true
        default: false
        }
    }

    private static func append(_ text: some Sequence<UInt8>, to line: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): line += [UInt8(ascii: "\\"), byte]
            case 0x20..<0x7F: line.append(byte)
            default:
                line += [UInt8(ascii: "\\"), UInt8(ascii: "x"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
    }
}

extension Int64 {
    /// The quotient, rounded down.
    fileprivate func floored(by divisor: Int64) -> Int64 { (self - (self % divisor + divisor) % divisor) / divisor }
}
