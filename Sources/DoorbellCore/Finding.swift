/// One thing that `doorbell doctor` looked at: what it found, why it matters, how to mend it.
public struct Finding: Sendable, Codable, Hashable {
    public enum Level: String, Sendable, Codable, CaseIterable, Comparable {
        case ok
        /// Not looked at; the text says what was missing for it.
        case skipped
        /// It works, and not as well as it could.
        case warn
        /// It does not work, or something will be lost.
        case fail

        public static func < (a: Level, b: Level) -> Bool { a.rank < b.rank }
        private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    }

    /// Stable, for programs: `database.pooler`.
    public let id: String
    public let level: Level
    /// What was found, in one sentence.
    public let text: String
    /// Why it matters. Empty for what is well.
    public let why: String
    /// What to do. Empty for what is well.
    public let mend: String

    private init(_ id: String, _ level: Level, _ text: String, why: String, mend: String) {
        self.id = id
        self.level = level
        self.text = text
        self.why = why
        self.mend = mend
    }

    public static func ok(_ id: String, _ text: String) -> Finding { Finding(id, .ok, text, why: "", mend: "") }

    public static func skipped(_ id: String, _ text: String, mend: String) -> Finding {
        Finding(id, .skipped, text, why: "", mend: mend)
    }

    public static func warn(_ id: String, _ text: String, why: String, mend: String) -> Finding {
        Finding(id, .warn, text, why: why, mend: mend)
    }

    public static func fail(_ id: String, _ text: String, why: String, mend: String) -> Finding {
        Finding(id, .fail, text, why: why, mend: mend)
    }
}
