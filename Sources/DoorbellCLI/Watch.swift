import DoorbellCore

/// `--watch`: the same again every 2 seconds.
enum Watch {
    /// A service that goes away after it has answered once may be restarting, so its error is shown and it is asked again.
    ///
    /// - Parameter isOn: Otherwise once.
    static func run(_ isOn: Bool, _ look: () async throws -> String) async throws {
        var hasWorked = false
        while true {
            do {
                let text = try await look()
                hasWorked = true
                home(isOn)
                Terminal.print(text.hasSuffix("\n") ? String(text.dropLast()) : text)
            } catch let error as DoorbellError where isOn && hasWorked && error.code == .service {
                home(isOn)
                Terminal.complain("doorbell: \(error)")
            }
            guard isOn else { return }
            try await Task.sleep(for: .seconds(2))
        }
    }

    /// To the top of the terminal, and nothing of before below.
    private static func home(_ isOn: Bool) {
        if isOn, Terminal.standardOutputIsTerminal { Terminal.print("\u{1B}[H\u{1B}[2J", terminator: "") }
    }
}
