/// Who answered a poll: the word in metrics and in `Server-Timing`.
enum ServedBy: String, CaseIterable {
    /// The legacy API.
    case origin
    /// The shim, from memory or with what another poll was just answered.
    case cache
    /// The shim, which refused it: polling has ended, or fails for a while as announced.
    case refusal
}
