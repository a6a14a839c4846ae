import ArgumentParser
import Doorbell
import DoorbellCore

struct PollersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pollers",
        abstract: "The clients that poll features which push has begun for, as the running service sees them.",
        discussion: """
            Features in the stages canary, push and retired. client: a number in the place of its name. every: between two polls. \
            double: polls while it was pushed the same. pushed: whether it is now. Each node knows the clients that poll it, since \
            it was started.

              doorbell pollers
              doorbell pollers orders --limit 1000 --json
            """)

    @Argument(help: "A feature of the configuration; none: all.")
    var feature: String?
    @OptionGroup var file: ConfigurationOption
    @Option(help: "How many, 1 to 10000.")
    var limit = 50
    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (1...10_000).contains(limit) else { throw ValidationError("--limit must be from 1 to 10000") }
    }

    func run() async throws {
        try await Terminal.reporting {
            let configuration = try file.load()
            var path = "/pollers?limit=\(limit)" + (json ? "" : "&format=text")
            // A feature's name needs no encoding.
            if let feature {
                path += "&feature=\(try StageControl.feature(feature, among: configuration.features).name)"
            }
            let text = try await AdminClient(configuration).get(path)
            Terminal.print(text.hasSuffix("\n") ? String(text.dropLast()) : text)
        }
    }
}
