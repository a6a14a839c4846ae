import ArgumentParser

/// `--dry-run`, for commands that change the database.
struct DryRunOption: ParsableArguments {
    @Flag(name: .customLong("dry-run"), help: "Print every statement that would be run, and change nothing.")
    var run = false

    func show(_ statements: [String]) {
        Terminal.print(statements.isEmpty ? "-- nothing to do" : statements.joined(separator: "\n\n"))
    }
}
