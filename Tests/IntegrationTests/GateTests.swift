import DoorbellClient
import DoorbellCore
import DoorbellTestSupport
import DoorbellTesting
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

/// A feature that a gate moves forwards while it does well, and back when a fault shows.
@Suite(.serialized, .timeLimit(.minutes(3))) struct GateTests {
    static let cluster = Result { try ScratchPostgres() }

    private let database: ScratchConnection
    private let doorbell: DoorbellProcess
    private let legacy: LegacyDatabase
    private let receiver: WebhookReceiver

    init() async throws {
        let conninfo = try Self.cluster.get().makeDatabase()
        database = try ScratchConnection(conninfo)
        try database.run(
            """
            create table notes (id int primary key, body text); insert into notes values (1, '0');
            create table forgotten (id int primary key, body text);
            """)
        legacy = try await LegacyDatabase(
            conninfo,
            queries: [
                "/notes":
                    "select json_build_object('n', (select json_agg(n) from notes n), 'f', (select count(*) from forgotten))"
            ])
        receiver = try await WebhookReceiver()
        doorbell = try DoorbellProcess(
            configuration: """
                database: \(conninfo)
                upstream: \(legacy.url)
                features:
                  notes:
                    poll: GET /notes
                    tables: [{ name: notes, channel: notes }]
                    cohort: { by: address }
                    gate: { interval: 1s, threshold: 2, step: 50, max: 50, minimum: 2, webhook: '\(receiver.url)' }
                    stage: shadow
                """)
        let installed = try doorbell.command("install")
        #expect(installed.status == 0, "\(installed.error)")
        try doorbell.serve()
        try await doorbell.untilReady()
    }

    private func stage() throws -> String {
        try database.run("select stage || coalesce(' ' || percent::real, '') from doorbell.stages").first?.first?
            .flatMap(\.self) ?? "-"
    }

    /// Polls, with a change before each poll, until the feature is there.
    private func poll(until wanted: String, changing sql: (Int) -> String) async throws {
        for round in 1...300 {
            if try stage() == wanted { return }
            try database.run(sql(round))
            #expect(try await doorbell.get("/notes").status == 200)
            try await Task.sleep(for: .milliseconds(100))
        }
        Issue.record("it never came to \(wanted): \(try stage())\n\(doorbell.log)")
    }

    @Test("from shadow to push and back, with every step in the audit log and at the webhook")
    func thereAndBack() async throws {
        let update = { (round: Int) in "update notes set body = '\(round)'" }
        let waiting = try doorbell.command("gate", ["notes", "--dry-run"])
        #expect(
            waiting.status == 0
                && waiting.output.hasPrefix(
                    "notes: shadow, would stay: inconclusive, there is not enough to decide by\n")
        )
        #expect(waiting.output.contains("\n  open   0 changes were compared (at least 2)\n"))
        // That it waits is told once.
        try await eventually("it waits") { receiver.bodies.count == 1 }
        try await Task.sleep(for: .milliseconds(2200))
        #expect(receiver.bodies.count == 1 && receiver.bodies[0].contains(#""verdict":"inconclusive""#))
        try await poll(until: "canary 50", changing: update)

        // In canary somebody has to be told by push.
        let client = try await DoorbellConnection.connect(to: "ws://127.0.0.1:\(doorbell.port)/notes")
        let reading = Task { for await _ in client.messages {} }
        try await poll(until: "push", changing: update)
        let log = try doorbell.command("stage", ["notes"]).output
        #expect(log.contains("gate") && log.contains("all checks passed"))
        let evidence = try database.run(
            "select evidence->>'verdict', evidence->'evidence'->'parity'->>'missed', who from doorbell.audit")
        #expect(evidence == [["successful", "0", "gate"], ["successful", "0", "gate"]])

        try await poll(until: "shadow") { "insert into forgotten values (\($0), 'x')" }
        let last = try database.run(
            "select why, evidence->>'action' from doorbell.audit order by revision desc limit 1")
        #expect(last == [["2 checks failed, one after the other", "rollback"]])
        // It does well again, and yet it stays.
        for round in 1...30 {
            try database.run(update(round))
            _ = try await doorbell.get("/notes")
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(try stage() == "shadow")
        let table = try doorbell.command("gate")
        #expect(table.output.contains("it was rolled back; a person moves it on"))
        let json = try doorbell.command("gate", ["--json"]).output
        #expect(json.contains(#""isDeciding" : true"#) && json.contains(#""action" : "hold""#))
        #expect(try doorbell.command("gate", ["nothing"]).status == 64)

        try await eventually("all steps are posted") {
            receiver.bodies.contains { $0.contains(#""action":"rollback""#) }
        }
        let steps = receiver.bodies.filter { $0.contains(#""to":"#) }
        #expect(steps.count == 3 && steps[0].contains(#""from":"shadow""#) && steps[0].contains(#""to":"canary 50 %""#))
        #expect(steps[1].contains(#""to":"push""#) && steps[2].contains(#""to":"shadow""#))
        let metrics = try await doorbell.get("/metrics", port: doorbell.adminPort).body
        #expect(metrics.contains(#"doorbell_gate_checks_total{feature="notes",verdict="failed"}"#))
        #expect(metrics.contains(#"doorbell_gate_webhooks_total{result="taken"}"#))
        await client.close()
        await reading.value
    }
}

/// Keeps the bodies that are posted to it.
private final class WebhookReceiver: Sendable {
    private let channel: any Channel
    private let received: Locked<[String]>

    init() async throws {
        let received = Locked<[String]>([])
        self.received = received
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(received))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    deinit { channel.close(promise: nil) }

    var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)/hook" }
    var bodies: [String] { received.withLock { $0 } }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let received: Locked<[String]>
        private var body = ByteBuffer()

        init(_ received: Locked<[String]>) { self.received = received }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head: body = ByteBuffer()
            case .body(let part): body.writeImmutableBuffer(part)
            case .end:
                received.withLock { $0.append(String(buffer: body)) }
                let head = HTTPResponseHead(version: .http1_1, status: .noContent)
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
