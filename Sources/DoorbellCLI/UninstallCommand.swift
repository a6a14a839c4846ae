import ArgumentParser
import Doorbell

struct UninstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall",
        abstract: "Take everything of Doorbell's out of the database.",
        discussion: """
            One transaction. Leaves nothing behind; nothing to remove is no error.

              doorbell uninstall --dry-run
              doorbell uninstall
            """)

    @OptionGroup var file: ConfigurationOption
    @OptionGroup var dry: DryRunOption

    func run() async throws {
        try await Terminal.reporting {
            let installation = Installation(try file.load())
            if dry.run { return dry.show(try installation.uninstallPlan()) }
            let report = try installation.uninstall()
            guard report.isChanged else { return Terminal.print("nothing to do: it is not installed") }
            for remark in report.remarks { Terminal.complain("note: \(remark)") }
            Terminal.print("uninstalled: schema, functions and triggers are gone")
        }
    }
}
