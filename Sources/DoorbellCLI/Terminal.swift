import ArgumentParser
import Doorbell
import DoorbellCore
import Foundation

/// Where commands print, and how they fail.
enum Terminal {
    /// Ends the process when it cannot be printed: quietly when nobody reads any more, as SIGPIPE would, otherwise with the reason.
    static func print(_ text: String, terminator: String = "\n") {
        do {
            try FileOutput.standardOutput.write(text + terminator)
        } catch {
            if error.isNobodyReading { exit(128 + SIGPIPE) }
            complain("doorbell: cannot write to standard output: \(error)")
            exit(DoorbellError.Code.system.exitCode)
        }
    }

    /// To standard error. What cannot be written there is lost: there is nobody to tell.
    static func complain(_ text: String, terminator: String = "\n") {
        try? FileOutput.standardError.write(text + terminator)
    }

    static var standardOutputIsTerminal: Bool { isatty(1) == 1 }

    /// Runs a command's work; an error becomes one clear text on standard error and an exit code.
    static func reporting(_ work: () async throws -> Void) async throws {
        signal(SIGPIPE, SIG_IGN)
        do {
            try await work()
        } catch let error as ConfigurationError {
            complain("\(error)")
            throw ExitCode(DoorbellError.Code.configuration.exitCode)
        } catch let error as DoorbellError {
            complain("doorbell: \(error)")
            throw ExitCode(error.code.exitCode)
        } catch let error where error is ExitCode || error is ValidationError || error is CleanExit {
            throw error
        } catch {
            complain("doorbell: \(error)")
            throw ExitCode(DoorbellError.Code.service.exitCode)
        }
    }
}
