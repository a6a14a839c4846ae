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
    var schemaVersion: UInt16?
    @Option(
        name: [.customShort("H"), .long],
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
        if let schemaVersion, SchemaVersion(schemaVersion) == nil {
            throw ValidationError("--schema-version must be 1 to 65535")
        }
        if let count, count < 1 { throw ValidationError("--count must be at least 1") }
        if let since, since != "latest", since != "earliest", Position(since) == nil {
            throw ValidationError("--since takes 'earliest', 'latest' or a position like 7.1042-88301, not '\(since)'")
        }
        try HeaderOption.validate(header)
        if let token, token.isEmpty || !token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
            throw ValidationError("--token is empty, or has something other than visible ASCII characters in it")
        }
    }

    func run() async throws {
        try await Terminal.reporting {
            let place = try TailTarget(target) { try file.load() }
            let session = DoorbellSession(
                url: place.socket, target: place.target, since: since,
                versions: schemaVersion.flatMap { SchemaVersion($0) }.map { [$0] } ?? [],
                headers: headers, options: try Self.options(for: place))
            let printer = TailPrinter(style: raw ? .raw : json ? .json : .people)
            var left = count
            var wasConnected = false
            do {
                try await session.run { event in
                    if case .connected = event { wasConnected = true }
                    if case .disconnected(let reason, _) = event, !wasConnected {
                        throw DoorbellError(.service, reason, hint: place.question)
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
                throw Self.failure(error)
            } catch ConnectError.refused(let refusal) where (400..<500).contains(refusal.status) {
                throw Self.failure(refusal, at: place.socket)
            } catch let error as ConnectError {
                throw DoorbellError(
                    .service, "\(place.socket): \(error)", hint: place.question)
            } catch let error where !(error is DoorbellError) {
                throw DoorbellError(
                    .service, "\(place.socket): \(NetworkProblem.sentence(error))", hint: place.question)
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
        let token =
            token ?? ProcessInfo.processInfo.environment["DOORBELL_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }
        return header.map(HeaderOption.split) + (token.map { [("Authorization", "Bearer \($0)")] } ?? [])
    }

    private static func failure(_ failure: DoorbellSession.Failure) -> DoorbellError {
        guard case .refused(let reason) = failure else { return DoorbellError(.service, "\(failure)") }
        if reason.hasPrefix("not_allowed") {
            return DoorbellError(
                .permission, "\(failure)",
                hint:
                    "Give a client's credentials with --header 'Cookie: …'; `curl -i` shows what the legacy API answers."
            )
        }
        if reason.hasPrefix("unknown_channel") {
            return DoorbellError(
                .service, "\(failure)",
                hint: "Name a channel or a polled URL of a feature in the service's configuration.")
        }
        return DoorbellError(.service, "\(failure)")
    }

    /// The handshake was refused, and trying again cannot help.
    private static func failure(_ refusal: ConnectError.Refusal, at socket: String) -> DoorbellError {
        // One line, and nothing that moves a cursor; a page in HTML says nothing here.
        let body = String(decoding: refusal.body.prefix(400), as: UTF8.self)
        let isPage = refusal.header("content-type")?.hasPrefix("text/html") == true
        let said = body.split { $0.isWhitespace || $0.unicodeScalars.contains { $0.value < 0x20 } }
            .joined(separator: " ")
        let text = "\(socket) answers \(refusal.status)" + (isPage || said.isEmpty ? "" : ": \(said)")
        switch refusal.status {
        case 400, 401, 403:
            return DoorbellError(
                .permission, text, hint: "Give a good token with --token or DOORBELL_TOKEN; 'doorbell token' makes one."
            )
        default: return DoorbellError(.service, text, hint: "Is 'doorbell serve' running there?")
        }
    }
}
