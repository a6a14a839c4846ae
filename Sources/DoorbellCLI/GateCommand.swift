import ArgumentParser
import Doorbell
import DoorbellCore

struct GateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gate",
        abstract: "What the gates of the running service decided, and what they would do now.",
        discussion: """
            A gate moves its feature from shadow over rising percentages to push, and back when it does not do well: see \
            features.<name>.gate in 'doorbell check --keys'. What it did is in 'doorbell stage FEATURE', too. With --dry-run \
            it is explained what a check would do at this moment, condition by condition; nothing is moved.

              doorbell gate --dry-run
              doorbell gate orders --json
            """)

    @OptionGroup var file: ConfigurationOption
    @Argument(help: "A feature with a gate; none: all of them.")
    var feature: String?
    @Flag(help: "Explain what each gate would do now, and why.")
    var dryRun = false
    @Flag(help: "Print JSON: the last decision, and what would be decided now.")
    var json = false

    func run() async throws {
        try await Terminal.reporting {
            let configuration = try file.load()
            if let feature, try StageControl.feature(feature, among: configuration.features).gate == nil {
                let gated = configuration.features.filter { $0.gate != nil }.map(\.name).joined(separator: ", ")
                throw DoorbellError(
                    .usage, "feature '\(feature)' has no gate",
                    hint: gated.isEmpty ? "No feature has one." : "These have one: \(gated).")
            }
            let path = "/gates" + (feature.map { "/" + $0 } ?? "")
            let query = json ? "" : dryRun ? "?format=text&explain=true" : "?format=text"
            let text = try await AdminClient(configuration).get(path + query)
            Terminal.print(text.hasSuffix("\n") ? String(text.dropLast()) : text)
        }
    }
}
