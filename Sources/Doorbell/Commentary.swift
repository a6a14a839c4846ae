import DoorbellCore
import Foundation

/// A running commentary for people: what changed, and how many were told when (`doorbell serve --commentary`).
///
/// A line for each draft, and one for each event loop that told somebody. Lines over ``linesPerSecond`` are counted, not
/// printed, so that a bulk load does not turn into a bulk print. A reader that does not read holds up nobody: ``LineQueue``.
final class Commentary: Sendable {
    static let linesPerSecond = 50

    private struct State {
        var second: Int64 = 0
        var printed = 0
        var skipped = 0
    }

    private let state = Locked(State())
    private let print: @Sendable (String) -> Void

    /// - Parameter print: Called on capture's thread and the event loops, so it must not wait.
    init(print: @escaping @Sendable (String) -> Void = LineQueue().add) { self.print = print }

    func captured(_ draft: Draft, now: Timestamp) {
        let channel: String
        switch draft.audience {
        case .channel(let name): channel = name.rawValue
        case .matching(let templates): channel = "every " + templates.map(\.source).joined(separator: ", ")
        }
        say("\(draft.feature.name): \(describe(draft.content)) → \(channel)", now: now)
    }

    func told(_ publication: Publication, subscribers: Int, now: Timestamp) {
        guard subscribers > 0 else { return }
        let age = String(format: "%.1f ms", max(0, now.seconds(since: publication.committedAt) * 1000))
        say("    \(publication.channel): \(count(subscribers, "client")) told, \(age) after the commit", now: now)
    }

    func say(_ line: String, now: Timestamp) {
        let lines = state.withLock { state -> [String] in
            var lines: [String] = []
            if state.second != now.microseconds / 1_000_000 {
                if state.skipped > 0 { lines.append("          … and \(count(state.skipped, "more change"))") }
                state = State(second: now.microseconds / 1_000_000)
            }
            if state.printed < Self.linesPerSecond {
                state.printed += 1
                lines.append("\(clock(now))  \(line)")
            } else {
                state.skipped += 1
            }
            return lines
        }
        for line in lines { print(line) }
    }

    private func describe(_ content: Publication.Content) -> String {
        switch content {
        case .change(let operation, let renditions):
            let key = renditions.first?.key.map { " " + String(decoding: $0.prefix(60), as: UTF8.self) } ?? ""
            return operation.rawValue + key
        case .signal: return "changed"
        case .message: return "message"
        case .reset(let reason): return "reset (\(reason))"
        }
    }

    private func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

    private func clock(_ now: Timestamp) -> String {
        let milliseconds = now.milliseconds % 86_400_000
        return String(
            format: "%02d:%02d:%02d.%03d", milliseconds / 3_600_000, milliseconds / 60_000 % 60,
            milliseconds / 1000 % 60,
            milliseconds % 1000)
    }
}
