import Foundation

/// One line on standard error that is written again and again, while that is a terminal.
struct TerminalLine: Sendable {
    let isOn = isatty(2) == 1

    /// In the place of what stands there.
    func write(_ text: String) {
        if isOn { Self.send("\r" + text + "\u{1B}[K") }
    }

    func clear() {
        if isOn { Self.send("\r\u{1B}[K") }
    }

    private static func send(_ text: String) { Terminal.complain(text, terminator: "") }
}
