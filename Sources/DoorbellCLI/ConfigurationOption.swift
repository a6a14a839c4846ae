import ArgumentParser
import Doorbell
import Foundation

/// `--config FILE`, for every command.
struct ConfigurationOption: ParsableArguments {
    @Option(name: .shortAndLong, help: ArgumentHelp("The configuration file.", valueName: "file"))
    var config = "doorbell.yaml"

    /// The configuration with the environment on top of the file. Warnings go to standard error.
    func load() throws -> Configuration {
        try Configuration.load(file: config, environment: ProcessInfo.processInfo.environment)
    }
}
