import AsyncHTTPClient
import DoorbellClient
import DoorbellCore
import Foundation
import NIOCore
import NIOHTTP1

/// Looks at a running service through the URL that clients use, and so at everything that stands in between.
///
/// Nothing needs credentials but the held poll: a WebSocket is opened and subscribes to nothing, an event stream asks for a channel that no
/// feature has, and is told so.
public struct PublicProbe: Sendable {
    /// `http` or `https`, without a path's end.
    public var url: String
    /// Of every request, such as a cookie or a token.
    public var headers: [(String, String)]
    /// A polled path that may be asked for with `headers`; `nil`: held polls are not tried.
    public var poll: String?
    /// Access logs of whatever stands in between, to look for tokens in.
    public var logs: [String]
    /// How long silence is watched. From 1 s; more than two heartbeats tell all.
    public var patience: Duration
    /// How often the service speaks when it has nothing to say.
    public var heartbeat: Duration
    /// How long an answer may take.
    public var timeout: Duration = .seconds(10)

    public init(
        url: String, headers: [(String, String)] = [], poll: String? = nil, logs: [String] = [],
        patience: Duration = .seconds(60), heartbeat: Duration = .seconds(25)
    ) {
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.headers = headers
        self.poll = poll
        self.logs = logs
        self.patience = patience
        self.heartbeat = heartbeat
    }

    func findings(progress: @Sendable (String) -> Void) async -> [Finding] {
        progress("\(url)")
        let reached = await reachable()
        guard reached.level != .fail else { return [reached] }
        progress("WebSocket, event streams and held polls through \(url), for up to \(patience.inSeconds) s")
        async let socket = webSocket()
        async let plain = events(compressed: false)
        async let compressed = events(compressed: true)
        async let held = longPoll()
        async let written = tokensInLogs()
        return await [reached] + socket + [plain, compressed, held, written]
    }

    // MARK: The service itself

    private func reachable() async -> Finding {
        let id = "public.reachable"
        let why = "Clients find push through this URL."
        do {
            let answer = try await HTTPClient.shared.execute(request("/_doorbell/health/ready"), timeout: limit)
            let body = String(buffer: try await answer.body.collect(upTo: 64 << 10))
            guard body.contains("\"reasons\"") else {
                return .fail(
                    id, "\(url)/_doorbell/health/ready answers \(answer.status.code), and not as Doorbell does",
                    why: why,
                    mend: "Let the proxy in front send /_doorbell/ to the service; adapters/ has configurations.")
            }
            guard answer.status == .ok else {
                return .warn(
                    id,
                    "Doorbell answers at \(url), and is not ready: \(body.trimmingCharacters(in: .whitespacesAndNewlines))",
                    why: "Clients poll meanwhile.",
                    mend: "The findings above, or the service's log, say what is missing.")
            }
            return .ok(id, "Doorbell answers at \(url)")
        } catch {
            return .fail(
                id, "\(url) does not answer: \(NetworkProblem.sentence(error))", why: why,
                mend: "Check name, port and certificate, and that the proxy in front runs.")
        }
    }

    // MARK: WebSockets

    /// Whether an upgrade works, and how long a socket lives on which only heartbeats pass.
    private func webSocket() async -> [Finding] {
        let upgrade = "public.websocket"
        let idle = "public.websocket.idle"
        let connection: DoorbellConnection
        do {
            connection = try await DoorbellConnection.connect(
                to: url.replacing(/^http/, with: "ws") + "/_doorbell/ws", headers: headers)
        } catch {
            return [
                .fail(
                    upgrade, "a WebSocket cannot be opened: \(NetworkProblem.sentence(error))",
                    why: "Clients go on with event streams, which cost a connection each in browsers over HTTP/1.1.",
                    mend:
                        "Let the proxy pass on Upgrade and Connection, and speak HTTP/1.1 to the service; adapters/ shows how."
                )
            ]
        }
        let began = ContinuousClock.now
        async let first = connection.messages.first { _ in true }
        let end = await withTimeout(patience) {
            await withTaskCancellationHandler {
                await connection.waitForClose()
            } onCancel: {
                connection.startClosing()
            }
        }
        let lived = (ContinuousClock.now - began).inSeconds
        guard let welcome = await first, ReceivedMessage(welcome)?.type == "welcome" else {
            return [
                .fail(
                    upgrade, "a WebSocket was opened, and Doorbell's welcome did not come",
                    why: "Whatever answered is not Doorbell, or messages do not pass.",
                    mend: "Let the proxy send /_doorbell/ws to the service.")
            ]
        }
        let opened = Finding.ok(upgrade, "a WebSocket was opened, and Doorbell's welcome came")
        if let end {
            return [
                opened,
                .fail(
                    idle, "a silent WebSocket was closed after \(lived) s (\(end))",
                    why:
                        "The service speaks every \(heartbeat.inSeconds) s; something in between does not wait so long, and clients reconnect all the time.",
                    mend:
                        "Raise the proxy's idle timeout (proxy_read_timeout, timeout tunnel) above limits.heartbeat, or lower limits.heartbeat below \(lived) s."
                ),
            ]
        }
        guard patience > heartbeat * 2 else {
            return [
                opened,
                .skipped(
                    idle, "a WebSocket was watched for \(lived) s only",
                    mend: "More than two heartbeats tell whether it lives: --patience \(heartbeat.inSeconds * 2 + 10)"),
            ]
        }
        return [
            opened, .ok(idle, "a silent WebSocket lives: \(lived) s with a heartbeat every \(heartbeat.inSeconds) s"),
        ]
    }

    // MARK: Event streams

    /// Whether events come at once.
    private func events(compressed: Bool) async -> Finding {
        let id = compressed ? "public.events.compressed" : "public.events"
        let what = compressed ? "an event stream for a client that takes gzip" : "an event stream"
        let why = "Events that wait in a buffer come late or never; clients notice and poll."
        let mend =
            compressed
            ? "Do not compress text/event-stream in the proxy (gzip_types), or flush each event."
            : "Let the proxy not buffer it (proxy_buffering off; the service sends X-Accel-Buffering: no)."
        var request = request("/_doorbell/sse?channel=doorbell-doctor")
        request.headers.add(name: "accept", value: "text/event-stream")
        if compressed { request.headers.add(name: "accept-encoding", value: "gzip") }
        switch await EventProbe(request: request).watch(for: min(patience, heartbeat * 2 + .seconds(1))) {
        case .refused(let status, let type):
            return .fail(
                id, "\(what) cannot be had: \(status), \(type.isEmpty ? "no content type" : type)",
                why: "It is what clients use where WebSockets do not pass.",
                mend:
                    "With tokens required, give one: --header 'Authorization: Bearer …'. Otherwise let the proxy send /_doorbell/sse to the service."
            )
        case .silent(let seconds):
            return .fail(id, "\(what) is held back: nothing came for \(seconds) s", why: why, mend: mend)
        case .ended(let seconds, let reason):
            return .fail(
                id, "\(what) ended after \(seconds) s\(reason.map { ": \($0)" } ?? "")",
                why: "Clients reconnect all the time, and poll meanwhile.",
                mend: "Raise the proxy's read timeout above limits.heartbeat, \(heartbeat.inSeconds) s.")
        case .spoke(once: let seconds) where patience > heartbeat * 2:
            return .fail(
                id, "\(what) is held back: after its beginning nothing came for \(seconds) s", why: why, mend: mend)
        case .spoke(once: let seconds):
            return .skipped(
                id, "\(what) begins at once, and was watched for \(seconds) s only",
                mend:
                    "More than two heartbeats tell whether events come, too: --patience \(heartbeat.inSeconds * 2 + 10)"
            )
        case .spokeAgain(let seconds):
            return .ok(id, "\(what) begins at once, and speaks again (after \(seconds) s)")
        }
    }

    // MARK: Held polls

    private func longPoll() async -> Finding {
        let id = "public.longpoll"
        guard let poll else {
            return .skipped(
                id, "held polls were not tried",
                mend: "Name a polled path that needs no more than --header: --poll /api/…")
        }
        do {
            let answer = try await HTTPClient.shared.execute(request(poll), timeout: limit)
            for try await _ in answer.body {}
            guard answer.status == .ok, let tag = answer.headers.first(name: "etag"),
                answer.headers.contains(name: "doorbell-feature")
            else {
                return .skipped(
                    id, "\(poll) answers \(answer.status.code), and not as a poll of a feature does",
                    mend: "Name a polled path that needs no more than --header, and that goes through Doorbell.")
            }
            // The service holds a poll for at most a minute.
            let seconds = min(60, max(1, patience.inSeconds))
            var held = request(poll)
            held.headers.add(name: "if-none-match", value: tag)
            held.headers.add(name: "prefer", value: "wait=\(seconds)")
            let began = ContinuousClock.now
            let why = "Clients without WebSockets and event streams ask this way; cut polls are asked again at once."
            let mend = "Raise the proxy's read timeout above 60 s for polled paths."
            do {
                let end = try await HTTPClient.shared.execute(held, timeout: .seconds(Int64(seconds) + 10))
                let took = (ContinuousClock.now - began).inSeconds
                guard end.status == .ok || end.status == .notModified else {
                    return .fail(
                        id, "a held poll was answered with \(end.status.code) after \(took) s of \(seconds)", why: why,
                        mend: mend)
                }
                guard end.headers.contains(name: "preference-applied") else {
                    return .warn(
                        id, "a poll with Prefer: wait is answered at once",
                        why: "The header does not reach the service.",
                        mend: "Let the proxy pass on Prefer.")
                }
                return .ok(id, "a poll was held for \(took) s")
            } catch {
                let took = (ContinuousClock.now - began).inSeconds
                return .fail(
                    id, "a held poll was cut after \(took) s of \(seconds): \(NetworkProblem.sentence(error))",
                    why: why, mend: mend)
            }
        } catch {
            return .skipped(
                id, "\(poll) does not answer: \(NetworkProblem.sentence(error))",
                mend: "Name a polled path that needs no more than --header.")
        }
    }

    // MARK: Access logs

    /// Asks with a token that is none, and looks whether it was written down.
    private func tokensInLogs() async -> Finding {
        let id = "public.logs"
        guard !logs.isEmpty else {
            return .skipped(
                id, "no access log was looked at",
                mend: "Name those of the proxies in front: --log /var/log/nginx/access.log")
        }
        let marker = "doctor-\(UInt64.random(in: .min ... .max))"
        let seen = "doctor-\(UInt64.random(in: .min ... .max))"
        _ = try? await HTTPClient.shared.execute(
            request("/_doorbell/\(seen)?token=\(marker)"), timeout: limit)
        // Logs are written in blocks by some.
        let deadline = ContinuousClock.now + .seconds(5)
        var isLogged = false
        repeat {
            for log in logs {
                guard let text = Self.end(of: log) else {
                    return .skipped(
                        id, "\(log) cannot be read", mend: "Run this where the log is, as somebody who may read it.")
                }
                if text.contains(marker) {
                    return .fail(
                        id, "\(log) has the values of ?token= in clear",
                        why: "Whoever reads the log can take over sessions.",
                        mend:
                            "Write $uri in the place of $request, or let clients send tokens by subprotocol or ticket.")
                }
                isLogged = isLogged || text.contains(seen)
            }
            if isLogged { return .ok(id, "tokens in URLs are not in \(logs.joined(separator: ", "))") }
            try? await Task.sleep(for: .milliseconds(200))
        } while ContinuousClock.now < deadline
        return .skipped(
            id, "the request is not in \(logs.joined(separator: ", ")) at all, or not yet",
            mend: "Name the log of what answers at \(url); one that is written in blocks needs more requests.")
    }

    /// The last 256 KiB.
    private static func end(of file: String) -> String? {
        guard let handle = FileHandle(forReadingAtPath: file) else { return nil }
        defer { try? handle.close() }
        guard let size = try? handle.seekToEnd() else { return nil }
        try? handle.seek(toOffset: size > 256 << 10 ? size - 256 << 10 : 0)
        return (try? handle.readToEnd()).flatMap { $0 }.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    // MARK: Inside

    private var limit: TimeAmount { .nanoseconds(Int64(timeout / .nanoseconds(1))) }

    private func request(_ path: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url + path)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        return request
    }
}

extension Duration {
    /// Whole seconds, rounded.
    var inSeconds: Int { Int((self / .seconds(1)).rounded()) }
}

/// What `work` gives within `limit`; `nil` when it takes longer, and is cancelled.
func withTimeout<Value: Sendable>(
    _ limit: Duration, _ work: @escaping @Sendable () async -> Value
) async -> Value? {
    await withTaskGroup(of: Value?.self) { group in
        group.addTask { await work() }
        group.addTask {
            try? await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        return await group.next() ?? nil
    }
}
