import ArgumentParser
import DoorbellCore
import DoorbellSimulate
import DoorbellTesting
import Foundation

/// A child of ``SimulateCommand``: the legacy API. Prints its port, and ends when standard input does.
struct SimulatedAPICommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulated-api", abstract: "The legacy API of 'doorbell simulate'.", shouldDisplay: false)

    @Option
    var database: String
    @Flag
    var entityTags = false

    func run() async throws {
        try await Terminal.reporting {
            DescriptorLimit.raise()
            Lifeline.watch { _exit(0) }
            try await LegacyAPI.serve(database: database, hasEntityTags: entityTags) { Terminal.print("port \($0)") }
        }
    }
}
