import DoorbellCore
import DoorbellHub
import DoorbellServer
import DoorbellTestSupport
import NIOHTTP1
import Testing

/// What every transport owes a client, told once and held against each.
@Suite struct TransportTests {
    enum Way: String, CaseIterable, CustomTestStringConvertible {
        case socket, socketOnPoll, events, eventsOnPoll
        var testDescription: String { rawValue }
    }

    private static let channel = "user:42:notifications"
    private static let poll = "/api/users/42/notifications"

    /// A client of one channel by one way.
    private struct Client {
        let way: Way
        var socket: WebSocketProbe?
        var events: EventStreamProbe?

        static func open(
            _ way: Way, _ server: TestServer, since: Position? = nil, stalled: Bool = false
        ) async throws -> Client {
            let since = since.map { "\($0)" }
            let position = since.map { ["Doorbell-Position: \($0)"] } ?? []
            var client = Client(way: way)
            switch way {
            case .socket:
                client.socket = try await .open(server.port, stalled: stalled)
                let from = since.map { #","since":"\#($0)""# } ?? ""
                try await client.socket?.send(#"{"type":"subscribe","channel":"\#(channel)"\#(from)}"#)
            case .socketOnPoll:
                client.socket = try await .open(server.port, path: poll, headers: position, stalled: stalled)
            case .events:
                let from = since.map { ["Last-Event-ID: \($0)"] } ?? []
                client.events = try await .open(
                    server.port, path: "/_doorbell/sse?channel=user%3A42:notifications", headers: from, stalled: stalled
                )
            case .eventsOnPoll:
                client.events = try await .open(server.port, path: poll, headers: position, stalled: stalled)
            }
            return client
        }

        func text() async throws -> String {
            if let socket { return try await socket.text() }
            return try await unwrap(events).next().data
        }

        @discardableResult
        func text(containing part: String) async throws -> String {
            while true {
                let text = try await text()
                if text.contains(part) { return text }
            }
        }

        func close() async {
            await socket?.raw.close()
            await events?.raw.close()
        }

        func resumeReading() async throws {
            if let socket {
                try await socket.raw.resume()
                _ = try await socket.raw.answer()
            }
            try await events?.raw.resume()
        }
    }

    @Test("welcome, subscribed, then every change once and in order", arguments: Way.allCases)
    func order(way: Way) async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let client = try await Client.open(way, server)
            #expect(try await client.text().contains(#""type":"welcome""#))
            #expect(try await client.text().contains(#""type":"subscribed""#))
            for batch in 0..<20 {
                try server.publish((0..<10).map { "change \(batch * 10 + $0)." }, on: Self.channel)
            }
            for index in 0..<200 { #expect(try await client.text().contains("change \(index).")) }
        }
    }

    @Test("a client that comes back with its position gets what it missed, and nothing twice", arguments: Way.allCases)
    func resume(way: Way) async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let seen = try server.publish(["seen"], on: Self.channel)
            try server.publish(["missed 1", "missed 2"], on: Self.channel)
            let client = try await Client.open(way, server, since: seen)
            #expect(try await client.text(containing: "subscribed").contains(#""recovered":true"#))
            try server.publish(["live"], on: Self.channel)
            for text in ["missed 1", "missed 2", "live"] { #expect(try await client.text().contains(text)) }
        }
    }

    @Test("a position that history does not reach is said to be gone", arguments: Way.allCases)
    func gone(way: Way) async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            try server.publish(["old"], on: Self.channel)
            let client = try await Client.open(way, server, since: Position(epoch: 7, tick: 1, seq: 1))
            #expect(try await client.text(containing: "subscribed").contains(#""recovered":false"#))
        }
    }

    @Test("who may not poll is refused: by status on the URL itself, by an error elsewhere", arguments: Way.allCases)
    func refusal(way: Way) async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            server.gateway.refuse(.forbidden)
            switch way {
            case .socket, .events:
                let client = try await Client.open(way, server)
                let error = try await client.text(containing: #""type":"error""#)
                #expect(error.contains("not_allowed"))
            case .socketOnPoll, .eventsOnPoll:
                let raw = try await RawClient(port: server.port)
                try await raw.send(
                    way == .socketOnPoll
                        ? WebSocketProbe.handshake(Self.poll) : EventStreamProbe.request(Self.poll))
                let answer = try await raw.answer()
                #expect(answer.status == 403 && answer.text == "refused" && answer["x-legacy"] == "yes")
            }
            #expect(server.hub.usage.subscriptions == 0)
        }
    }

    @Test("a server that goes away says so, and ends the connection", arguments: Way.allCases)
    func drain(way: Way) async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let client = try await Client.open(way, server)
            try await client.text(containing: "subscribed")
            async let stopped: Void = server.server.stop(within: .seconds(20))
            #expect(try await client.text(containing: "goodbye").contains("reconnectAfter"))
            if let socket = client.socket {
                #expect(try await socket.closeCode() == 1012)
                await socket.raw.close()
            } else {
                #expect(try await client.text().contains(#""type":"closed","code":1012"#))
                try await client.events?.raw.waitForClose()
            }
            await stopped
            #expect(server.server.openConnections == 0 && server.hub.usage.subscriptions == 0)
        }
    }

    @Test("a client that is gone leaves nothing behind", arguments: Way.allCases)
    func clientGone(way: Way) async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let client = try await Client.open(way, server)
            try await client.text(containing: "subscribed")
            await client.close()
            try await eventually("it is forgotten") {
                server.server.openConnections == 0 && server.hub.usage.subscriptions == 0
            }
        }
    }

    @Test("a burst many times the send budget loses nothing for a client that reads", arguments: Way.allCases)
    func burst(way: Way) async throws {
        try await withServer([try TestFeatures.notifications()]) {
            $0.sendBudget = 32 << 10
            $0.kernelSendBuffer = 4 << 10
        } _: { server in
            let client = try await Client.open(way, server)
            try await client.text(containing: "subscribed")
            let filler = String(repeating: "x", count: 4 << 10)
            try server.publish((0..<500).map { "burst \($0). \(filler)" }, on: Self.channel)
            for index in 0..<500 { #expect(try await client.text().contains("burst \(index).")) }
        }
    }

    @Test(
        "a client that stalls and reads again goes on where it was, as far as history reaches", arguments: Way.allCases)
    func stalled(way: Way) async throws {
        try await withServer([try TestFeatures.notifications()]) {
            $0.sendBudget = 32 << 10
            $0.kernelSendBuffer = 4 << 10
        } _: { server in
            let client = try await Client.open(way, server, stalled: true)
            try await eventually("it is subscribed") { server.hub.usage.subscriptions == 1 }
            let filler = String(repeating: "x", count: 4 << 10)
            for index in 0..<900 { try server.publish(["late \(index). \(filler)"], on: Self.channel) }
            let queued = server.deliveries.list.reduce(0) { $0 + $1.bytes }
            #expect(queued < 2 << 20, "what the kernel takes and the budget: \(queued)")
            try await client.resumeReading()
            try await client.text(containing: "subscribed")
            for index in 0..<900 { #expect(try await client.text().contains("late \(index).")) }
        }
    }
}
