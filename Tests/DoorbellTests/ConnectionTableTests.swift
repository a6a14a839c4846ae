import Testing

@testable import Doorbell
@testable import DoorbellServer

@Suite struct ConnectionTableTests {
    private func info(_ id: String, agent: String?, seconds: Double, bytes: Int) -> ConnectionInfo {
        ConnectionInfo(
            id: id, transport: "websocket", address: "10.0.0.1", user: nil, userAgent: agent, seconds: seconds,
            subscriptions: 3, behind: 1, bufferedBytes: bytes, timesBehind: 2, resets: 1, conflated: 1200)
    }

    @Test("the table has a line for each connection and a sum")
    func table() {
        let report = ConnectionReport(
            open: 12, pushed: 9,
            connections: [
                info("abc", agent: "probe/1", seconds: 3725, bytes: 300_000),
                info("de", agent: nil, seconds: 5, bytes: 12),
            ])
        #expect(
            ConnectionTable.text(report) == """
                session  transport  address   user  open       channels  behind  buffered  lagged  resets  conflated  agent
                abc      websocket  10.0.0.1  -     1 h 2 min  3         1       292 KiB   2       1       1200       probe/1
                de       websocket  10.0.0.1  -     5 s        3         1       12 B      2       1       1200       -

                12 open, 9 pushed to, 2 shown

                """)
        #expect(
            ConnectionTable.text(ConnectionReport(open: 1, pushed: 0, connections: []))
                == "1 open, 0 pushed to, 0 shown\n")
    }

    @Test("what a client calls itself cannot move the cursor of a terminal, and is cut")
    func hostile() {
        let agent = "\u{1B}[2J\u{9B}31m" + String(repeating: "x", count: 100)
        let text = ConnectionTable.text(
            ConnectionReport(open: 1, pushed: 1, connections: [info("a", agent: agent, seconds: 1, bytes: 0)]))
        #expect(text.utf8.allSatisfy { $0 == 0x0A || (0x20..<0x7F).contains($0) })
        #expect(text.split(separator: "\n").allSatisfy { $0.utf8.count < 170 })
    }
}
