import DoorbellCore
import DoorbellHub
import DoorbellServer
import DoorbellTestSupport
import DoorbellWire
import NIOCore
import NIOHTTP1
import Testing

@Suite struct WebSocketTests {
    let channel = "user:42:notifications"
    let subscribe = #"{"type":"subscribe","channel":"user:42:notifications","id":1}"#

    @Test("subscribe by channel: welcome, the legacy API is asked with the client's own headers, subscribed, live")
    func subscribeByChannel() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let socket = try await WebSocketProbe.open(
                server.port, headers: ["Cookie: session=abc", "Authorization: Bearer t", "Accept-Encoding: gzip"])
            #expect(try await socket.text().hasPrefix(#"{"type":"welcome","session":"#))
            try await socket.send(subscribe)
            let subscribed = try await socket.text()
            #expect(
                subscribed.hasPrefix(#"{"type":"subscribed","channel":"user:42:notifications","position":"1.1-0","#))
            #expect(!subscribed.contains("snapshot"))
            try server.publish(["hello"], on: channel)
            let change = try await socket.text()
            #expect(change.contains(#""op":"insert""#) && change.contains(#""text":"hello""#))
            let asked = try #require(server.gateway.asked.first)
            #expect(asked.target == "/api/users/42/notifications")
            #expect(asked.headers["cookie"] == ["session=abc"])
            #expect(asked.headers["authorization"] == ["Bearer t"])
            #expect(!asked.headers.contains(name: "accept-encoding"))
            #expect(!asked.headers.contains(name: "sec-websocket-key"))
            try await eventually("the delivery is observed") { server.deliveries.list.count == 1 }
            #expect(server.deliveries.list.first?.subscribers == 1)
            #expect(server.deliveries.list.first.map { $0.bytes >= change.utf8.count } == true)
        }
    }

    @Test("subscribe by poll: the answer is the snapshot")
    func subscribeByPoll() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.send(#"{"type":"subscribe","poll":"/api/users/42/notifications"}"#)
            let subscribed = try await socket.text(containing: "subscribed")
            #expect(subscribed.contains(#""snapshot":{"status":200,"etag":"\"1\"","body":{"items":[]}}"#))
        }
    }

    @Test("a refused subscription is an error and the connection lives on")
    func refused() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            server.gateway.refuse(.forbidden)
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.send(subscribe)
            #expect(try await socket.text(containing: "error").contains(#""code":"not_allowed""#))
            try await socket.send(#"{"type":"ping","id":"x"}"#)
            #expect(try await socket.text() == #"{"type":"pong","id":"x"}"#)
        }
    }

    @Test("a change that is committed while the legacy API is asked arrives after subscribed, once")
    func changeWhileAsking() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            server.gateway.hold()
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.send(subscribe)
            try await eventually("the question") { server.gateway.asked.count == 1 }
            try server.publish(["meanwhile"], on: channel)
            server.gateway.releaseAll()
            #expect(try await socket.text(containing: "subscribed").contains(#""position":"1.1-0""#))
            #expect(try await socket.text().contains("meanwhile"))
            try server.publish(["after"], on: channel)
            #expect(try await socket.text().contains("after"))
        }
    }

    @Test("a client whose position is gone gets a snapshot, and every change since that was asked for")
    func changeWhileAskingForSnapshot() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            server.gateway.hold()
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.send(#"{"type":"subscribe","poll":"/api/users/42/notifications","since":"1.0-7"}"#)
            try await eventually("the question") { server.gateway.asked.count == 1 }
            try server.publish(["meanwhile"], on: channel)
            server.gateway.releaseAll()
            let subscribed = try await socket.text(containing: "subscribed")
            #expect(subscribed.contains(#""position":"1.1-0""#) && subscribed.contains(#""recovered":false"#))
            #expect(subscribed.contains("snapshot"))
            #expect(try await socket.text().contains("meanwhile"))
            #expect(server.hub.usage.subscriptions == 1)
        }
    }

    @Test("since: what was missed is replayed before what is live, and the client is told that it was recovered")
    func replay() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let first = try server.publish(["one"], on: channel)
            try server.publish(["two", "three"], on: channel)
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.send(
                #"{"type":"subscribe","channel":"user:42:notifications","since":"\#(first)","version":[2,1]}"#)
            let subscribed = try await socket.text(containing: "subscribed")
            #expect(subscribed.contains(#""recovered":true,"version":2"#))
            #expect(try await socket.text().contains("two"))
            #expect(try await socket.text().contains("three"))
            try server.publish(["four"], on: channel)
            #expect(try await socket.text().contains("four"))
        }
    }

    @Test("since a position of another epoch: not recovered")
    func notRecovered() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.send(#"{"type":"subscribe","channel":"user:42:notifications","since":"9.1-1"}"#)
            #expect(try await socket.text(containing: "subscribed").contains(#""recovered":false"#))
        }
    }

    @Test("after unsubscribe nothing comes any more")
    func unsubscribe() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.send(subscribe)
            try await socket.text(containing: "subscribed")
            try await socket.send(#"{"type":"unsubscribe","channel":"user:42:notifications"}"#)
            try await socket.text(containing: #""type":"unsubscribed""#)
            try server.publish(["unseen"], on: channel)
            try await socket.send(#"{"type":"ping"}"#)
            #expect(try await socket.text() == #"{"type":"pong"}"#)
            #expect(server.deliveries.openSubscriptions == 0)
        }
    }

    @Test("a WebSocket on the polled URL: asked first, then 101 and subscribed with the snapshot")
    func upgradeOfPoll() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let socket = try await WebSocketProbe.open(
                server.port, path: "/api/users/42/notifications?page=2", headers: ["Cookie: a=b"])
            #expect(try await socket.text().contains("welcome"))
            #expect(try await socket.text().contains(#""snapshot":{"status":200"#))
            #expect(server.gateway.asked.map(\.target) == ["/api/users/42/notifications?page=2"])
            #expect(server.gateway.asked.first?.headers["cookie"] == ["a=b"])
            try server.publish(["live"], on: channel)
            #expect(try await socket.text().contains("live"))
        }
    }

    @Test("position and version come as headers, or as subprotocols where no headers can be set")
    func upgradeOfPollWithPosition() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let first = try server.publish(["one"], on: channel)
            try server.publish(["two"], on: channel)
            let path = "/api/users/42/notifications"
            let byHeader = try await WebSocketProbe.open(
                server.port, path: path, headers: ["Doorbell-Position: \(first)", "Doorbell-Version: 2, 1"])
            let byProtocol = try await WebSocketProbe.open(
                server.port, path: path,
                headers: ["Sec-WebSocket-Protocol: doorbell.v1, doorbell.since.\(first), doorbell.version.2"])
            for socket in [byHeader, byProtocol] {
                let subscribed = try await socket.text(containing: "subscribed")
                #expect(subscribed.contains(#""recovered":true,"version":2"#))
                #expect(!subscribed.contains("snapshot"))
                #expect(try await socket.text().contains("two"))
            }
            #expect(server.gateway.asked.allSatisfy { !$0.headers.contains(name: "doorbell-position") })
        }
    }

    @Test("a refused poll is answered with the legacy API's own status and body instead of 101")
    func upgradeOfPollRefused() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            server.gateway.refuse(.unauthorized)
            let raw = try await RawClient(port: server.port)
            try await raw.send(WebSocketProbe.handshake("/api/users/42/notifications"))
            let answer = try await raw.answer()
            #expect(answer.status == 401)
            #expect(answer.text == "refused")
            #expect(answer["x-legacy"] == "yes")
            #expect(answer["connection"] == "close")
        }
    }

    @Test("an upgrade may be the second request of a connection, and frames may be sent ahead of the 101")
    func upgradeAsSecondRequest() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let raw = try await RawClient(port: server.port)
            let ping = WebSocketFrame.encode(.text, Array(#"{"type":"ping","id":7}"#.utf8), mask: 99)
            try await raw.send(
                Array("GET /first HTTP/1.1\r\nHost: h\r\n\r\n".utf8) + Array(WebSocketProbe.handshake().utf8) + ping)
            #expect(try await raw.answer().text == "legacy 0")
            #expect(try await raw.answer().status == 101)
            try await raw.wait(for: "pong") { $0.text.contains(#"{"type":"pong","id":7}"#) }
        }
    }

    @Test("many messages in one batch leave in few writes and arrive in order")
    func manyMessages() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.send(subscribe)
            try await socket.text(containing: "subscribed")
            try server.publish((0..<200).map { "m\($0)." }, on: channel)
            for index in 0..<200 { #expect(try await socket.text().contains("m\(index).")) }
        }
    }

    @Test("hundreds of subscribers get the same bytes")
    func fanOut() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            var sockets: [WebSocketProbe] = []
            for _ in 0..<100 {
                let socket = try await WebSocketProbe.open(server.port)
                try await socket.send(subscribe)
                sockets.append(socket)
            }
            for socket in sockets { try await socket.text(containing: "subscribed") }
            try server.publish(["to all"], on: channel)
            for socket in sockets { #expect(try await socket.text().contains("to all")) }
            try await eventually("all are counted") {
                server.deliveries.list.reduce(0) { $0 + $1.subscribers } == 100
            }
        }
    }

    @Test("when a client leaves, its subscriptions leave with it")
    func leave() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let socket = try await WebSocketProbe.open(server.port)
            try await socket.send(subscribe)
            try await socket.text(containing: "subscribed")
            #expect(server.hub.usage.subscriptions == 1)
            await socket.raw.close()
            try await eventually("the subscription is gone") { server.hub.usage.subscriptions == 0 }
            try await eventually("the connection is gone") { server.server.openConnections == 0 }
        }
    }
}
