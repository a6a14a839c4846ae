import DoorbellClient
import DoorbellCore
import DoorbellWire
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1))) struct DoorbellSessionTests {
    private struct Enough: Error {}

    private static func subscribed(_ position: String, recovered: Bool) -> String {
        #"{"type":"subscribed","channel":"a","position":"\#(position)","recovered":\#(recovered),"version":1,"id":"follow"}"#
    }
    private static func change(_ position: String, _ previous: String) -> String {
        #"{"type":"change","channel":"a","version":1,"position":"\#(position)","previous":"\#(previous)","op":"insert","timestamp":1}"#
    }

    private func session(_ server: ScriptedServer, since: String? = nil) -> DoorbellSession {
        DoorbellSession(
            url: server.url, target: .channel("a"), since: since,
            backoff: Backoff(first: .milliseconds(1), maximum: .milliseconds(5)))
    }

    /// A line for each event, so that a test reads as a transcript.
    private func line(_ event: DoorbellSession.Event) -> String {
        switch event {
        case .connected: "connected"
        case .subscribed: "subscribed"
        case .message(let message): "message \(message.position ?? "")"
        case .gap(let message, let known, let previous): "gap \(known) \(previous) \(message.position ?? "")"
        case .reset(_, let reason): "reset \(reason)"
        case .other(let message): "other \(message.type)"
        case .disconnected: "disconnected"
        }
    }

    @Test("after a lost connection it resumes where it stopped; repeats are dropped, gaps and resets told")
    func resumes() async throws {
        let requests = Locked<[String]>([])
        try await ScriptedServer.run { number, peer in
            try await peer.accept()
            let request = try await peer.text()
            requests.withLock { $0.append(request) }
            try await peer.send(#"{"type":"welcome","session":"s","heartbeat":25,"protocol":1,"resumed":false}"#)
            switch number {
            case 0:
                try await peer.send(Self.subscribed("1.5-0", recovered: false))
                try await peer.send(Self.change("1.6-1", "1.2-2"))
            case 1:
                try await peer.send(Self.subscribed("1.7-2", recovered: true))
                try await peer.send(Self.change("1.6-1", "1.2-2"))
                try await peer.send(Self.change("1.7-2", "1.6-1"))
                try await peer.send(Self.change("1.9-4", "1.8-3"))
                try await peer.send(#"{"type":"goodbye","reason":"restart","reconnectAfter":1}"#)
                try await peer.write(WebSocketFrame.close(.serviceRestart))
                await peer.untilGone()
            default:
                try await peer.send(Self.subscribed("1.20-0", recovered: false))
                await peer.untilGone()
            }
        } while: { server in
            var lines: [String] = []
            await #expect(throws: Enough.self) {
                try await session(server).run { event in
                    lines.append(line(event))
                    if lines.last == "reset the history is gone" { throw Enough() }
                }
            }
            #expect(
                lines == [
                    "connected", "other welcome", "subscribed", "message 1.6-1", "disconnected",
                    "connected", "other welcome", "subscribed", "message 1.7-2", "gap 1.7-2 1.8-3 1.9-4",
                    "other goodbye",
                    "disconnected", "connected", "other welcome", "reset the history is gone",
                ])
        }
        #expect(
            requests.withLock { $0 } == [
                #"{"type":"subscribe","channel":"a","id":"follow"}"#,
                #"{"type":"subscribe","channel":"a","since":"1.6-1","id":"follow"}"#,
                #"{"type":"subscribe","channel":"a","since":"1.9-4","id":"follow"}"#,
            ])
    }

    @Test("a server that is away for now is tried again; one that refuses is not")
    func refusals() async throws {
        let count = Locked(0)
        try await ScriptedServer.run { number, peer in
            count.withLock { $0 += 1 }
            switch number {
            case 0: return
            case 1:
                _ = try await peer.request()
                try await peer.write("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
            case 2:
                try await peer.accept()
                _ = try await peer.text()
                try await peer.send(#"{"type":"error","code":"not_live","message":"wait","id":"follow"}"#)
            default:
                _ = try await peer.request()
                try await peer.write("HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n")
            }
            await peer.untilGone()
        } while: { server in
            var options = ConnectionOptions()
            options.closeTimeout = .milliseconds(20)
            var session = session(server)
            session.options = options
            let error = await #expect(throws: ConnectError.self) { try await session.run { _ in } }
            guard case .refused(let refusal) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(refusal.status == 401)
        }
        #expect(count.withLock { $0 } == 4)
    }

    @Test("a close code that forbids it, and a refused subscription, end the session")
    func ends() async throws {
        try await ScriptedServer.run { number, peer in
            try await peer.accept()
            _ = try await peer.text()
            if number == 0 {
                try await peer.write(WebSocketFrame.close(.notAllowed))
            } else {
                try await peer.send(#"{"type":"error","code":"unknown_channel","message":"no","id":"follow"}"#)
                _ = try await peer.next()
            }
        } while: { server in
            await #expect(throws: DoorbellSession.Failure.self) { try await session(server).run { _ in } }
            let error = await #expect(throws: DoorbellSession.Failure.self) { try await session(server).run { _ in } }
            #expect(error?.description == "the server refused the subscription: unknown_channel: no")
        }
    }

    @Test("cancelling the task closes the connection in order")
    func cancelled() async throws {
        let last = Locked<WebSocketFrameParser.Event?>(nil)
        try await ScriptedServer.run { _, peer in
            try await peer.accept()
            _ = try await peer.text()
            try await peer.send(Self.subscribed("1.5-0", recovered: false))
            let event = try await peer.next()
            last.withLock { $0 = event }
            try await peer.write(WebSocketFrame.close(.normal))
        } while: { server in
            let session = session(server)
            let (subscribed, continuation) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                try await session.run { event in
                    if case .subscribed = event { continuation.finish() }
                }
            }
            for await _ in subscribed {}
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
        }
        #expect(last.withLock { $0 } == .close(code: 1000, reason: ""))
    }
}
