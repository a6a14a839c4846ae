import ArgumentParser
import Doorbell
import DoorbellCore

struct ParityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parity",
        abstract: "Whether push tells what polls show, as measured by the running service.",
        discussion: """
            Features are compared from stage shadow on. Each answer is compared with the one before it of the same caller. \
            told: it had changed, and there was a message in between. missed: it had changed, and there was none. spurious: \
            there was a message, and it had not changed. quiet: neither. What changes by itself, such as a timestamp, is \
            learned and ignored. With a feature, the last samples are shown with what was different.

              doorbell parity
              doorbell parity orders                         what was different, and where
              doorbell parity --watch
            """)

    @OptionGroup var file: ConfigurationOption
    @Argument(help: "A feature, for its samples.")
    var feature: String?
    @Flag(help: "Print again every 2 seconds.")
    var watch = false
    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        try await Terminal.reporting {
            let configuration = try file.load()
            if let feature { _ = try StageControl.feature(feature, among: configuration.features) }
            let admin = AdminClient(configuration)
            let path = "/parity" + (feature.map { "/" + $0 } ?? "") + (json ? "" : "?format=text")
            try await Watch.run(watch) { try await admin.get(path) }
        }
    }
}
