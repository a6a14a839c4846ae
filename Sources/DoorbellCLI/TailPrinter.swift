import DoorbellClient
import DoorbellCore
import Foundation

/// How `doorbell tail` shows what comes.
struct TailPrinter {
    enum Style { case people, raw, json }

    let style: Style
    private let isColoured = Terminal.standardOutputIsTerminal

    /// - Returns: Whether it was a message of a channel.
    func show(_ event: DoorbellSession.Event) -> Bool {
        switch event {
        case .message(let message):
            print(message)
            return true
        case .gap(let message, let known, let previous):
            note("a message is missing: after \(known) came one that follows \(previous)")
            print(message)
            return true
        case .reset(let message, let reason):
            if style == .people { note("reset: \(reason)") } else { print(message) }
            return true
        case .subscribed(let message):
            if style == .raw { print(message) }
            let recovered = message.recovered == true ? ", recovered" : ""
            note("subscribed to \(message.channel ?? "?") at \(message.position ?? "?")\(recovered)")
        case .other(let message):
            if style == .raw { print(message) }
            if message.type == "conflated" {
                note(
                    "this reader is slow: \(message.dropped ?? 0) messages left out, newer ones of the same rows follow"
                )
            }
            if message.type == "transport", let use = message.use {
                note("clients like this one are told to use \(use) for \(message.feature ?? "this")")
            }
        case .connected: break
        case .disconnected(let reason, let wait):
            note("\(reason); next attempt in \(String(format: "%.1f", Double(wait / .milliseconds(1)) / 1000)) s")
        }
        return false
    }

    private func print(_ message: ReceivedMessage) {
        switch style {
        case .raw, .json: Terminal.print(String(decoding: message.raw, as: UTF8.self))
        case .people: Terminal.print(line(message))
        }
    }

    /// `21:56:40.123  notification  insert {"id":7}  {"id":7,…}`
    private func line(_ message: ReceivedMessage) -> String {
        var parts = [dim(message.timestamp.map(Self.clock) ?? "            "), message.channel ?? ""]
        parts.append(([message.operation?.rawValue ?? message.type] + text(message.key)).joined(separator: " "))
        if let changed = message.changed { parts.append("(\(changed.joined(separator: ", ")))") }
        parts += text(message.data ?? message.body)
        parts.append(dim(message.position ?? ""))
        return parts.joined(separator: "  ")
    }

    private func text(_ json: [UInt8]?) -> [String] { json.map { [String(decoding: $0, as: UTF8.self)] } ?? [] }

    /// To standard error, so that a pipe gets messages only.
    private func note(_ text: String) { Terminal.complain(dim("-- \(text)")) }

    private func dim(_ text: String) -> String { isColoured ? "\u{1B}[2m\(text)\u{1B}[0m" : text }

    private static func clock(_ milliseconds: Int64) -> String {
        let day = ((milliseconds % 86_400_000) + 86_400_000) % 86_400_000
        return String(
            format: "%02d:%02d:%02d.%03d", day / 3_600_000, day / 60_000 % 60, day / 1000 % 60, day % 1000)
    }
}
