import DoorbellAssess

/// Whoever sits at the terminal: asked on standard error, so that standard output is for results.
struct TerminalPerson: Asking {
    func ask(_ question: String) -> String? {
        Terminal.complain(question, terminator: "")
        return readLine()
    }

    func say(_ text: String) { Terminal.complain(text) }
}
