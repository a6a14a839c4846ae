extension ChannelTemplate {
    /// A regular expression (PostgreSQL's advanced ones) for the names that the template makes.
    ///
    /// Looser than ``match(_:)`` in two things that expressions cannot say well: one value in two holes, and `%` before bytes that
    /// need no encoding.
    public var pattern: String {
        var pattern = "^"
        for segment in segments {
            if let separator = segment.separator { pattern.unicodeScalars.append(Unicode.Scalar(separator)) }
            pattern += Self.quoted(segment.prefix)
            if segment.name != nil { pattern += "([A-Za-z0-9_.~@+=-]|%[0-9A-F]{2})+" }
            pattern += Self.quoted(segment.suffix)
        }
        return pattern + "$"
    }

    /// Of what a name may be made of, `.` and `+` mean something in an expression.
    private static func quoted(_ literal: String) -> String {
        literal.map { $0 == "." || $0 == "+" ? "[\($0)]" : String($0) }.joined()
    }
}
