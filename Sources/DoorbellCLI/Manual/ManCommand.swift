import ArgumentParser
import DoorbellCore
import Foundation

struct ManCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "man",
        abstract: "Print the manual page, with every command and option.",
        discussion: """
            Made from what --help knows, so it is always of this version.

              doorbell man | man -l -
              doorbell man > /usr/local/share/man/man1/doorbell.1
            """)

    func run() async throws {
        try await Terminal.reporting {
            guard
                let page = ManualPage(
                    json: Data(DoorbellCommand._dumpHelp().utf8), version: DoorbellCommand.configuration.version)
            else { throw DoorbellError(.system, "the help cannot be read: this is a mistake of Doorbell's") }
            Terminal.print(page.text, terminator: "")
        }
    }
}
