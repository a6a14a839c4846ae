import ArgumentParser
import Doorbell
import DoorbellCore
import Foundation

/// Where commands print, and how they fail.
enum Terminal {
    static func print(_ text: String, terminator: String = "\n") {
        FileHandle.standardOutput.write(Data((text + terminator).utf8))
    }

    static func complain(_ text: String, terminator: String = "\n") {
        FileHandle.standardError.write(Data((text + terminator).utf8))
    }

    static var standardOutputIsTerminal: Bool { isatty(1) == 1 }

    /// Runs a command's work; an error becomes one clear text on standard error and an exit code.
    static func reporting(_ work: () async throws -> Void) async throws {
        do {
            try await work()
        } catch let error as ConfigurationError {
            complain("\(error)")
            throw ExitCode(DoorbellError.Code.configuration.exitCode)
        } catch let error as DoorbellError {
            complain("doorbell: \(error)")
            throw ExitCode(error.code.exitCode)
        }
    }
}
