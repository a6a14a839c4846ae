import DoorbellCore

@testable import DoorbellHub

// Short names for transcripts: `at(3)` is the third change of tick 1 of epoch 1.

func at(_ seq: UInt64, tick: UInt64 = 1, epoch: UInt64 = 1) -> Position { Position(epoch: epoch, tick: tick, seq: seq) }

func channel(_ name: String) -> ChannelName { ChannelName(name)! }

func second(_ number: Int64) -> Timestamp { Timestamp(microseconds: number * 1_000_000) }

func feature(
    _ name: String = "orders", template: String = "order:{id}", history: HistoryLimits = HistoryLimits(),
    batch: Duration = .zero, slow: Feature.SlowPolicy = .reset
) -> Feature {
    // Constants of the tests; a mistake in one should stop the run.
    Feature(
        name: name, poll: try! PollPattern("GET /api/orders/{id}"),
        tables: [
            Feature.TableRule(
                table: QualifiedName(schema: "public", name: "orders"),
                channel: .template(try! ChannelTemplate(template)))
        ], batch: batch, slow: slow, history: history)
}

func draft(_ name: String, _ position: Position, feature: Feature = feature()) -> Draft {
    Draft(
        feature: feature, audience: .channel(channel(name)), content: .signal, position: position,
        committedAt: second(Int64(position.seq)))
}

func opened(limits: HubLimits = HubLimits(), floor: Position = at(0)) -> HubState {
    var state = HubState(limits: limits)
    _ = state.open(floor: floor, now: second(0))
    return state
}

/// A subscriber that keeps what it is told, with a budget.
final class RecordingSubscriber: Subscriber {
    var budget = Int.max
    var messages: [String] = []
    /// How many messages came together.
    var runs: [Int] = []
    var flushes: [Int] = []
    var behind: [ChannelName] = []
    private var pending = 0

    func enqueue(_ run: MessageRun, isLast: Bool) -> Bool {
        guard budget >= run.messages.count else { return false }
        budget -= run.messages.count
        runs.append(run.messages.count)
        messages += run.messages.map { String(decoding: $0.payload, as: UTF8.self) }
        pending += run.messages.count
        if isLast { flush() }
        return true
    }

    func flush() {
        if pending > 0 { flushes.append(pending) }
        pending = 0
    }

    func fellBehind(on channel: ChannelName, feature: Feature) { behind.append(channel) }
}
