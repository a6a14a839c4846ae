import ArgumentParser
import Doorbell

struct InstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Put the outbox and the triggers into the database.",
        discussion: """
            One transaction: all of it or nothing. Doing it again brings the database up to the configuration. Creating a \
            trigger waits for open writes of that table, for a few seconds at most.

              doorbell install --dry-run | less
            """)

    @OptionGroup var file: ConfigurationOption
    @Flag(help: "Print every statement that would be run, and change nothing.")
    var dryRun = false

    func run() async throws {
        try await Terminal.reporting {
            let installation = Installation(try file.load())
            if dryRun {
                let statements = try installation.plan()
                Terminal.print(
                    statements.isEmpty
                        ? "-- nothing to do: everything is in place" : statements.joined(separator: "\n\n"))
                return
            }
            let report = try installation.install()
            for remark in report.remarks { Terminal.complain("note: \(remark)") }
            Terminal.print(
                report.isChanged
                    ? "installed: \(report.tables.joined(separator: ", ")) \(report.tables.count == 1 ? "is" : "are") captured"
                    : "nothing to do: everything is in place")
        }
    }
}

struct UninstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall",
        abstract: "Take everything of Doorbell's out of the database.",
        discussion: "One transaction. Leaves nothing behind; nothing to remove is no error.")

    @OptionGroup var file: ConfigurationOption
    @Flag(help: "Print every statement that would be run, and change nothing.")
    var dryRun = false

    func run() async throws {
        try await Terminal.reporting {
            let installation = Installation(try file.load())
            if dryRun {
                let statements = try installation.uninstallPlan()
                Terminal.print(statements.isEmpty ? "-- nothing to do" : statements.joined(separator: "\n\n"))
                return
            }
            let report = try installation.uninstall()
            for remark in report.remarks { Terminal.complain("note: \(remark)") }
            Terminal.print(
                report.isChanged ? "uninstalled: nothing of Doorbell's is left" : "nothing to do: it is not installed")
        }
    }
}
