import ArgumentParser
import Doorbell

struct InstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install",
        abstract: "Put the outbox and the triggers into the database.",
        discussion: """
            One transaction: all of it or nothing. Doing it again brings the database up to the configuration. Creating a \
            trigger waits for open writes of that table, for a few seconds at most.

              doorbell install --dry-run | less     what it would run, with BEGIN and COMMIT
              doorbell install
            """)

    @OptionGroup var file: ConfigurationOption
    @OptionGroup var dry: DryRunOption

    func run() async throws {
        try await Terminal.reporting {
            let installation = Installation(try file.load())
            if dry.run { return dry.show(try installation.plan()) }
            let report = try installation.install()
            for remark in report.remarks { Terminal.complain("note: \(remark)") }
            Terminal.print(
                "installed: \(report.tables.joined(separator: ", ")) \(report.tables.count == 1 ? "is" : "are") captured"
            )
        }
    }
}
