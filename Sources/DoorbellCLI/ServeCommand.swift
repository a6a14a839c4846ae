import ArgumentParser
import Doorbell
import DoorbellCore
import DoorbellTesting
import Foundation
import Logging

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run beside the legacy API: proxy its URLs and push its changes.",
        discussion: """
            SIGTERM and SIGINT say goodbye to the clients, send them elsewhere at spread-out moments, and end the process with 0. \
            A second one ends it at once, with 143 or 130.

              doorbell serve
              doorbell serve --config staging.yaml --log-level debug
              doorbell serve --commentary     prints what changes and who is told when
            """)

    @OptionGroup var file: ConfigurationOption
    @Flag(help: "Print what changes and who is told when.")
    var commentary = false
    /// For programs that start the service as their child.
    @Flag(help: .hidden)
    var endWithInput = false
    @Option(
        help: ArgumentHelp("trace, debug, info, notice, warning, error or critical.", valueName: "level"),
        transform: Self.level)
    var logLevel: Logger.Level = .notice

    func run() async throws {
        try await Terminal.reporting {
            let configuration = try file.load()
            for warning in configuration.warnings { Terminal.complain("note: \(warning)") }
            DescriptorLimit.raise()
            if endWithInput { Lifeline.watch { kill(getpid(), SIGTERM) } }
            let registry = PrometheusRegistry.bootstrap()
            let level = logLevel
            LoggingSystem.bootstrap { label in
                var handler = StreamLogHandler.standardError(label: label)
                handler.logLevel = level
                return handler
            }
            let service = DoorbellService(
                configuration: configuration, metrics: registry, logger: Logger(label: "doorbell"),
                commentary: commentary)
            // Ends below, with the service.
            let impatience = Task { await SecondSignal.endsProcess() }
            defer { impatience.cancel() }
            let upstream = configuration.upstream
            let scheme = configuration.tls == nil ? "ws" : "wss"
            try await service.run { endpoints in
                // A service does not end because nobody reads this.
                try? FileOutput.standardOutput.write(
                    """
                    doorbell: \(endpoints.listen) in front of \(upstream), \
                    WebSocket at \(scheme)://\(endpoints.listen.reachable)/_doorbell/ws, \
                    metrics at http://\(endpoints.admin.reachable)/metrics, \
                    dashboard at http://\(endpoints.admin.reachable)/

                    """)
            }
        }
    }

    private static func level(_ text: String) throws -> Logger.Level {
        guard let level = Logger.Level(rawValue: text) else {
            let known = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("'\(text)' is not a log level; use one of \(known)")
        }
        return level
    }
}
