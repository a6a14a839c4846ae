import DoorbellCore
import DoorbellHub
import DoorbellRollout
import DoorbellServer
import DoorbellShim
import DoorbellTranslate
import Foundation

extension DoorbellService {
    func adminView(
        hub: Hub, ledger: LedgerService, rollouts: RolloutBoard, pollers: PollerBook, parity: ParityRecorder,
        gates: [GateKeeper], pipeline: ChangePipeline, upstream: HTTPUpstream, server: Server, tail: TailBoard
    ) -> AdminView {
        let started = SystemClock.now()
        return AdminView(
            metrics: { metrics.exposition() + ProcessMetrics().exposition() },
            comparison: { [prices = configuration.prices] query in
                let report = await ledger.report(query)
                return (report.text(feature: query.feature, prices: prices), Self.json(report))
            },
            parity: { name in
                guard let name else {
                    let report = parity.report
                    return (report.table, Self.json(report))
                }
                return parity.report(of: name).map { ($0.text, Self.json($0)) }
            },
            gates: { name in
                let now = SystemClock.now()
                let chosen = gates.filter { name == nil || $0.feature.name == name }
                guard name == nil || !chosen.isEmpty else { return nil }
                let report = GateReport(gates: chosen.map { $0.report(now: now) })
                return (report.table, report.explanation, Self.json(report))
            },
            status: {
                Self.json(
                    Status(
                        now: SystemClock.now().rfc3339, started: started.rfc3339,
                        position: hub.head?.description, capture: pipeline.captureStatus.words,
                        isLive: pipeline.captureStatus.isLive,
                        captureLag: metrics.sum(of: "doorbell_capture_lag_seconds"),
                        heldBack: metrics.sum(of: "doorbell_held_back_by_transaction_seconds"),
                        upstreamTrouble: upstream.trouble,
                        messagesSent: metrics.sum(of: "doorbell_messages_sent_total") ?? 0,
                        polls: metrics.sum(of: "doorbell_shim_requests_total") ?? 0,
                        sentBytes: metrics.sum(of: "doorbell_sent_bytes_total") ?? 0,
                        connections: server.openConnections, channels: hub.usage.channels,
                        subscriptions: hub.usage.subscriptions, deadLetters: pipeline.letters.total,
                        features: configuration.features.map {
                            let rollout = rollouts[$0.name] ?? $0.start
                            return Status.Feature(
                                name: $0.name, stage: rollout.stage.rawValue,
                                percent: Double(rollout.share.hundredths) / 100, mode: $0.mode.rawValue,
                                poll: $0.poll.source, hasGate: $0.gate != nil, since: rollout.entry?.since.rfc3339,
                                by: rollout.entry?.who, why: rollout.entry?.why,
                                revision: rollout.entry?.revision ?? 0)
                        }))
            },
            deadLetters: {
                Self.json(
                    pipeline.letters.newest.map {
                        Letter(
                            feature: $0.feature, table: $0.table?.description, position: $0.position.description,
                            reason: $0.reason)
                    })
            },
            connections: { limit in
                let report = await server.connections(limit: limit)
                return (ConnectionTable.text(report), Self.json(Connections(report)))
            },
            pollers: { feature, limit in
                let now = SystemClock.now()
                let listed = PollerReport(pollers.pollers(of: feature, now: now), limit: limit, now: now)
                return (listed.table, Self.json(listed))
            },
            stages: StageControl(configuration), tail: tail,
            ready: {
                let reasons = [
                    pipeline.captureStatus.isLive ? nil : "capture: \(pipeline.captureStatus.words)",
                    upstream.trouble.map { "legacy API: \($0)" },
                ].compactMap(\.self)
                return (
                    reasons.isEmpty, Self.json(["ready": reasons.isEmpty ? "yes" : reasons.joined(separator: "; ")])
                )
            })
    }

    private struct Status: Encodable {
        struct Feature: Encodable {
            let name: String
            let stage: String
            /// The share of clients that are told to use push.
            let percent: Double
            let mode: String
            let poll: String
            let hasGate: Bool
            let since: String?
            let by: String?
            let why: String?
            let revision: Int64
        }

        let now: String
        let started: String
        let position: String?
        let capture: String
        let isLive: Bool
        /// Seconds.
        let captureLag: Double?
        /// Seconds that a transaction keeps the outbox from shrinking.
        let heldBack: Double?
        let upstreamTrouble: String?
        /// Since the start.
        let messagesSent: Double
        let polls: Double
        let sentBytes: Double
        let connections: Int
        let channels: Int
        let subscriptions: Int
        let deadLetters: Int
        let features: [Feature]
    }

    private struct Letter: Encodable {
        let feature: String
        let table: String?
        let position: String
        let reason: String
    }

    private struct Connections: Encodable {
        struct Connection: Encodable {
            let session: String
            let transport: String
            let address: String?
            let user: String?
            let userAgent: String?
            let seconds: Double
            let subscriptions: Int
            let behind: Int
            let bufferedBytes: Int
            let timesBehind: Int
            let resets: Int
            let conflated: Int
        }

        let open: Int
        let pushed: Int
        let connections: [Connection]

        init(_ report: ConnectionReport) {
            open = report.open
            pushed = report.pushed
            connections = report.connections.map {
                Connection(
                    session: $0.id, transport: $0.transport, address: $0.address, user: $0.user,
                    userAgent: $0.userAgent, seconds: $0.seconds, subscriptions: $0.subscriptions, behind: $0.behind,
                    bufferedBytes: $0.bufferedBytes, timesBehind: $0.timesBehind, resets: $0.resets,
                    conflated: $0.conflated)
            }
        }
    }

    private static func json(_ value: some Encodable) -> String {
        ((try? PrettyJSON.text(value)) ?? "{}") + "\n"
    }
}

extension CaptureStatus {
    /// For people.
    var words: String {
        switch self {
        case .starting: "reading what was committed before the start"
        case .live(leader: true): "live, leading"
        case .live(leader: false): "live, following another process"
        case .down(let reason): "down: \(reason)"
        }
    }
}
