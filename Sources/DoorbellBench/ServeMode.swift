import Doorbell
import DoorbellTesting
import Foundation
import Logging

/// The child's side of ``ServiceChild``: what `doorbell serve` runs, in a process of the bench's own program.
enum ServeMode {
    static func run(configurationFile: String) async throws {
        Lifeline.watch { kill(getpid(), SIGTERM) }
        let configuration = try Configuration.load(file: configurationFile, environment: [:])
        let registry = PrometheusRegistry.bootstrap()
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = .warning
            return handler
        }
        let service = DoorbellService(
            configuration: configuration, metrics: registry, logger: Logger(label: "doorbell"))
        try await service.run { endpoints in
            FileHandle.standardOutput.write(Data("\(endpoints.listen.port)\n".utf8))
        }
    }
}
