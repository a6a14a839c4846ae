import Foundation

/// One line on standard error that is written again and again, while that is a terminal.
struct TerminalLine: Sendable {
    let isOn = isatty(2) == 1

    /// In the place of what stands there. What the terminal is too narrow for is left out: a line that wraps is not written over.
    func write(_ text: String) {
        if isOn { Self.send("\r" + Self.cut(text, to: columns) + "\u{1B}[K") }
    }

    func clear() {
        if isOn { Self.send("\r\u{1B}[K") }
    }

    /// As it is now: windows are resized. `nil`: unknown.
    var columns: Int? {
        var size = winsize()
        return ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : nil
    }

    /// One column stays free, where the cursor is.
    static func cut(_ text: String, to columns: Int?) -> String {
        guard let columns, text.count >= columns else { return text }
        return text.prefix(max(0, columns - 2)) + "…"
    }

    private static func send(_ text: String) { Terminal.complain(text, terminator: "") }
}
