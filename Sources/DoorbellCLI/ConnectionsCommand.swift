import ArgumentParser
import Doorbell
import DoorbellCore

struct ConnectionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "connections",
        abstract: "The clients of the running service that are pushed to, those that read slowest first.",
        discussion: """
            channels: subscriptions. behind: those that are read on from history once the client reads. buffered: bytes that \
            wait for the client beyond what the kernel has taken.

              doorbell connections
              doorbell connections --limit 1000 --json
            """)

    @OptionGroup var file: ConfigurationOption
    @Option(help: "How many, 1 to 1000.")
    var limit = 50
    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (1...1000).contains(limit) else { throw ValidationError("--limit must be from 1 to 1000") }
    }

    func run() async throws {
        try await Terminal.reporting {
            let configuration = try file.load()
            let path = "/connections?limit=\(limit)" + (json ? "" : "&format=text")
            let text = try await AdminClient(configuration).get(path)
            Terminal.print(text.hasSuffix("\n") ? String(text.dropLast()) : text)
        }
    }
}
