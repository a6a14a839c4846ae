import CLibPQ

/// What is wrong with the text of `database`, before libpq says it: it quotes the offending part, which may be the password.
enum ConnectionText {
    /// - Throws: ``PGError`` that quotes nothing of the text but the name of a parameter.
    static func check(_ text: String) throws(PGError) {
        guard text.contains("=") || text.contains("://") else { return }
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(text, &message) else {
            defer { PQfreemem(message) }
            throw PGError(.connection, reason(text, message.map { String(cString: $0) } ?? ""))
        }
        defer { PQconninfoFree(options) }
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val {
                try check(String(cString: keyword), String(cString: value), isURL: text.contains("://"))
            }
            option += 1
        }
    }

    /// A password that is not percent-encoded makes libpq take a part of it for the host or the port.
    private static func check(_ key: String, _ value: String, isURL: Bool) throws(PGError) {
        let isGood =
            switch key {
            case "port": value.split(separator: ",").allSatisfy { UInt16($0) ?? 0 > 0 }
            // Outside of URLs, @ begins the name of an abstract socket.
            case "host": isURL ? !value.contains("@") : !value.dropFirst().contains("@")
            default: true
            }
        guard !isGood else { return }
        let what = key == "port" ? "a port that is not a number from 1 to 65535" : "a host with an @ in it"
        throw PGError(
            .connection,
            "the connection string has \(what)"
                + (isURL ? "; in a URL, percent-encode / @ # ? % of the password: %2F %40 %23 %3F %25" : ""))
    }

    /// - Parameter message: libpq's own.
    private static func reason(_ text: String, _ message: String) -> String {
        let parts = text.split(separator: "?", omittingEmptySubsequences: false)
        // What looks like the name of a parameter may be the rest of a password.
        if text.contains("://"), parts.count == 2, !parts[1].contains("@"), !parts[1].lowercased().contains("password"),
            message.contains("URI query parameter"),
            let key = message.split(separator: "\"", omittingEmptySubsequences: false).dropFirst().first
        {
            return "the connection string has a parameter that libpq does not know: '\(key)'; take it out"
        }
        return "the connection string is neither a postgresql:// URL nor keyword=value pairs"
    }
}
