import DoorbellCore
import DoorbellServer
import DoorbellShim
import DoorbellTestSupport
import NIOCore
import NIOHTTP1
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

@Suite struct SlowClientsTests {
    @Test("a thousand clients that send a byte now and then hold up nobody else, and cost little memory")
    func thousand() async throws {
        // Two a client are needed.
        DescriptorLimit.raise()
        let legacy = try await LegacyServer { request in .reply(.ok, [:], "\(request.bodySize)") }
        try await withShim(legacy) { shim in
            _ = try await shim.get("/warm")
            let before = residentBytes()
            var slow: [RawClient] = []
            for index in 0..<1000 {
                let client = try await RawClient(port: shim.port)
                // Most are in the middle of a body, the others of a head.
                try await client.send(
                    index % 10 < 7
                        ? "POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" : "GET /slow HTTP/1.1\r\nX: "
                )
                slow.append(client)
            }
            var waits: [Duration] = []
            for round in 0..<10 {
                for client in slow { client.channel.writeAndFlush(ByteBuffer(string: "a"), promise: nil) }
                for _ in 0..<10 {
                    let clock = ContinuousClock()
                    let began = clock.now
                    let answer = try await shim.get("/poll\(round)")
                    #expect(answer.status == 200)
                    waits.append(clock.now - began)
                }
                let small = try await shim.request("POST /small HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab")
                #expect(small.text == "2")
            }
            waits.sort()
            let grown = residentBytes() - before
            print("slow clients: polls took \(waits[50]) in the middle, \(waits[99]) at most; \(grown >> 20) MiB more")
            #expect(waits[50] < .milliseconds(250), "\(waits[50])")
            #expect(waits[99] < .seconds(3), "\(waits[99])")
            // Both ends of every connection are in this process.
            #expect(grown < 128 << 20, "\(grown)")
            for client in slow { client.channel.close(promise: nil) }
            try await eventually("they are gone") { shim.server.openConnections == 0 }
            #expect(try await shim.get("/after").status == 200)
        }
    }

    // MARK: 100-continue

    private static let expecting = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"

    @Test("a 100 of the legacy API's own is not passed on beside ours")
    func twice() async throws {
        let legacy = try await TranscriptServer { _ in "HTTP/1.1 100 Continue\r\n\r\n" + TranscriptServer.fine }
        try await withShim(legacy) { shim in
            let client = try await RawClient(port: shim.port)
            try await client.send(Self.expecting)
            #expect(try await client.answer().status == 100)
            try await client.send("hello")
            #expect(try await client.answer().status == 200)
            #expect(client.bytes.isEmpty)
            #expect(legacy.seen.requests.first?.body == "hello")
            #expect(legacy.seen.requests.first?["expect"] == [])
        }
    }

    @Test("a legacy API that answers without the body is passed on, and the connection closes")
    func early() async throws {
        let legacy = try await LegacyServer(
            atHead: { _ in .reply(.payloadTooLarge, [:], "too large") }, atEnd: { _ in .reply(.ok) })
        try await withShim(legacy) { shim in
            let client = try await RawClient(port: shim.port)
            try await client.send(Self.expecting)
            var answer = try await client.answer()
            if answer.status == 100 { answer = try await client.answer() }
            #expect(answer.status == 413)
            try await client.waitForClose()
        }
    }

    @Test("a legacy API that is not there is said before the body is sent, one that says nothing after it")
    func nothing() async throws {
        let deaf = try await DeafServer()
        let legacy = try await LegacyServer { _ in .silence }
        try await withShim(legacy) {
            $0.answerTimeout = .milliseconds(200)
        } _: { shim in
            let client = try await RawClient(port: shim.port)
            try await client.send(Self.expecting)
            #expect(try await client.answer().status == 100)
            try await client.send("hello")
            #expect(try await client.answer().status == 504)
        }
        let port = deaf.port
        await deaf.stop()
        try await withShim(legacyPort: port) { shim in
            let client = try await RawClient(port: shim.port)
            try await client.send(Self.expecting)
            #expect(try await client.answer().status == 502)
        }
    }
}

private func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard fgets(&line, 128, file) != nil else { return 0 }
    let text = String(decoding: line.map { UInt8(bitPattern: $0) }.prefix { $0 != 0 }, as: UTF8.self)
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
}
