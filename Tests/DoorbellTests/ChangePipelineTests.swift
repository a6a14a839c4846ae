import DoorbellCore
import DoorbellHub
import DoorbellShim
import Logging
import Testing

@testable import Doorbell

@Suite struct ChangePipelineTests {
    private static let table = QualifiedName(schema: "public", name: "notes")

    /// Each answer takes three looks.
    private struct SlowQueries: ChannelQueryRunner {
        let pipeline: ChangePipeline
        let statuses: Locked<[CaptureStatus]>

        func channels(for query: ChannelQuery, values: [String?]) throws -> [String] {
            for _ in 0..<3 { pipeline.look() }
            statuses.withLock { $0.append(pipeline.captureStatus) }
            return ["notes"]
        }
    }

    @Test func `a batch whose queries take long is no silence of the database, because each answer is word of it`()
        throws
    {
        let feature = Feature(
            name: "notes", poll: try PollPattern("GET /notes"),
            tables: [.init(table: Self.table, channel: .query(try ChannelQuery("select 'notes' where {id} > 0")))],
            channel: try ChannelTemplate("notes"))
        let now: @Sendable () -> Timestamp = { Timestamp(microseconds: 1_000_000) }
        let hub = Hub(now: now)
        let told = Locked<[CaptureStatus]>([])
        let pipeline = ChangePipeline(
            hub: hub, features: [feature],
            parity: ParityRecorder(features: [feature], hub: hub, now: now, isCompared: { _ in false }),
            commentary: nil, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            onStatus: { status in told.withLock { $0.append(status) } })
        let origin = Position(epoch: 1, tick: 1, seq: 0)
        pipeline.logOpened(floor: origin, replayingTo: nil)
        pipeline.captureChanged(to: .live(leader: true))
        let changes = try (1...10).map { number in
            Change(
                position: Position(epoch: 1, tick: 2, seq: UInt64(number)),
                relation: Relation(id: 1, name: Self.table, key: ["id"], columns: []), operation: .insert, before: nil,
                after: try RowImage(json: Array("{\"id\":\(number)}".utf8)), committedAt: now())
        }
        let statuses = Locked<[CaptureStatus]>([])
        pipeline.deliver(
            ChangeBatch(changes: changes, head: Position(epoch: 1, tick: 3, seq: 0)),
            queries: SlowQueries(pipeline: pipeline, statuses: statuses))
        #expect(statuses.withLock { $0 } == Array(repeating: .live(leader: true), count: 10))
        #expect(told.withLock { $0 } == [.live(leader: true)], "and nobody was sent to polling meanwhile")
    }
}
