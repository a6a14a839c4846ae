import ArgumentParser
import Doorbell
import DoorbellCore
import Foundation

struct CompareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Polling against push, as measured by the running service.",
        discussion: """
            requests: answered polls, or messages pushed, one for each client that was told. unchanged: polls that brought \
            nothing new. up, down: bytes from and to clients with their headers and frames. staleness: from the commit of a \
            change until a client was told, for polls until the first poll that showed it.
            """)

    @OptionGroup var file: ConfigurationOption
    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        try await Terminal.reporting {
            let text = try await AdminClient(try file.load()).get("/comparison" + (json ? "" : "?format=text"))
            Terminal.print(text.hasSuffix("\n") ? String(text.dropLast()) : text)
        }
    }
}
