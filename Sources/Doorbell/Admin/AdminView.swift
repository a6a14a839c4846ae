import DoorbellRollout

/// What the admin port shows, as functions, so that the routes know nothing of where it comes from.
struct AdminView: Sendable {
    /// Prometheus text.
    var metrics: @Sendable () -> String
    var comparison: @Sendable (ComparisonQuery) async -> (text: String, json: String)
    /// Of all features, or of one; `nil`: there is none of that name.
    var parity: @Sendable (String?) -> (text: String, json: String)?
    /// Of all features with a gate, or of one; `nil`: there is none of that name.
    var gates: @Sendable (String?) -> (text: String, explanation: String, json: String)?
    var status: @Sendable () -> String
    var deadLetters: @Sendable () -> String
    /// At most so many.
    var connections: @Sendable (Int) async -> (text: String, json: String)
    /// Who polls still: of one feature or of all, at most so many.
    var pollers: @Sendable (String?, Int) -> (text: String, json: String)
    /// Reads and changes the database: blocks for as long.
    var stages: StageControl
    var tail: TailBoard
    var ready: @Sendable () -> (ready: Bool, text: String)
}
