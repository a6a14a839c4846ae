/// The part of `Cache-Control` (RFC 9111, section 5.2) that matters for a key set.
enum CacheControl {
    /// How long an answer may be kept; `nil` when it does not say. `no-store` and `no-cache` count as zero.
    static func age(_ headers: [String]) -> Duration? {
        var age: Duration?
        for directive in headers.flatMap({ $0.split(separator: ",") }) {
            let sides = directive.split(separator: "=", maxSplits: 1)
            let name = sides.first.map(trimmed)?.lowercased() ?? ""
            if name == "no-store" || name == "no-cache" { return .zero }
            if name == "max-age", sides.count == 2 {
                let digits = trimmed(sides[1]).filter { $0 != "\"" }
                guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { continue }
                // A number beyond what fits is a long time.
                age = .seconds(min(Int64(digits) ?? .max, 1 << 31))
            }
        }
        return age
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}
