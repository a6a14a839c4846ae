import ArgumentParser
import Doorbell
import DoorbellClient
import DoorbellCore
import Foundation
import NIOSSL

struct TailCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Print the messages of a channel or of a polled URL as they come.",
        discussion: """
            Subscribes like any client, so it sees what a client sees and needs the same rights; give credentials with \
            --header. Reconnects and resumes by itself once it was connected. Ctrl-C ends it.

              doorbell tail notifications
              doorbell tail /api/users/7/notifications --header 'Cookie: session=…'
              doorbell tail http://127.0.0.1:8080/api/orders/42 --since earliest --raw
            """)

    @Argument(help: "A channel, a polled path with its query, or the polled URL with its host.")
    var target: String
    @OptionGroup var file: ConfigurationOption
    @Option(help: ArgumentHelp("Where to begin: a position, 'earliest' or 'latest'.", valueName: "position"))
    var since: String?
    @Option(help: ArgumentHelp("The schema version to ask for.", valueName: "number"))
    var version: UInt16?
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("A header of the handshake, 'Name: value'. Repeatable.", valueName: "header"))
    var header: [String] = []
    @Option(help: "A token of the client's, sent as 'Authorization: Bearer'. DOORBELL_TOKEN has it otherwise.")
    var token: String?
    @Option(help: ArgumentHelp("End after this many messages.", valueName: "number"))
    var count: Int?
    @Flag(help: "Print each frame as it came.")
    var raw = false
    @Flag(help: "Print one JSON object a line: the messages without those of the connection.")
    var json = false

    func validate() throws {
        guard !target.isEmpty else { throw ValidationError("name a channel or a polled URL") }
        guard !(raw && json) else { throw ValidationError("--raw and --json exclude each other") }
        if let version, SchemaVersion(version) == nil { throw ValidationError("--version must be 1 to 65535") }
        if let count, count < 1 { throw ValidationError("--count must be at least 1") }
        if let since, since != "latest", since != "earliest", Position(since) == nil {
            throw ValidationError("--since takes 'earliest', 'latest' or a position like 7.1042-88301, not '\(since)'")
        }
        for header in header where !header.contains(":") {
            throw ValidationError("--header takes 'Name: value', not '\(header)'")
        }
    }

    func run() async throws {
        try await Terminal.reporting {
            let place = try TailTarget(target) { try file.load() }
            let session = DoorbellSession(
                url: place.socket, target: place.target, since: since,
                versions: version.flatMap { SchemaVersion($0) }.map { [$0] } ?? [],
                headers: headers, options: try Self.options(for: place))
            let printer = TailPrinter(style: raw ? .raw : json ? .json : .people)
            var left = count
            var wasConnected = false
            do {
                try await session.run { event in
                    if case .connected = event { wasConnected = true }
                    if case .disconnected(let reason, _) = event, !wasConnected {
                        throw DoorbellError(.service, reason, hint: "Is 'doorbell serve' running there?")
                    }
                    guard printer.show(event), let remaining = left else { return }
                    left = remaining - 1
                    if remaining <= 1 { throw Done() }
                }
            } catch is Done {
                return
            } catch is CancellationError {
                return
            } catch let error as DoorbellSession.Failure {
                throw DoorbellError(.service, "\(error)", hint: Self.hint(for: error))
            } catch let error as ConnectError {
                throw DoorbellError(
                    .service, "\(place.socket): \(error)", hint: "Is 'doorbell serve' running there?")
            }
        }
    }

    private static func options(for place: TailTarget) throws -> ConnectionOptions {
        var options = ConnectionOptions()
        if place.isOwn, place.socket.hasPrefix("wss:") {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.certificateVerification = .none
            options.tls = try NIOSSLContext(configuration: tls)
        }
        return options
    }

    private struct Done: Error {}

    /// A token in the environment does not show in the list of processes.
    private var headers: [(String, String)] {
        let token = token ?? ProcessInfo.processInfo.environment["DOORBELL_TOKEN"]
        return header.map(HeaderOption.split) + (token.map { [("Authorization", "Bearer \($0)")] } ?? [])
    }

    private static func hint(for failure: DoorbellSession.Failure) -> String? {
        guard case .refused(let reason) = failure else { return nil }
        if reason.hasPrefix("not_allowed") {
            return "Give a client's credentials with --header 'Cookie: …'; `curl -i` shows what the legacy API answers."
        }
        if reason.hasPrefix("unknown_channel") {
            return "Name a channel or a polled URL of a feature in the service's configuration."
        }
        return nil
    }
}
