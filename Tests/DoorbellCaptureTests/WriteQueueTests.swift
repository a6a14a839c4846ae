import DoorbellCore
import Testing

@testable import DoorbellCapture

@Suite("Write queue") struct WriteQueueTests {
    private let start = ContinuousClock.now
    private let channel = ChannelName("inbox")

    private func publish(_ text: String = "1") throws -> WriteQueue.Job {
        .publish(
            WriteQueue.Publish(channel: try #require(channel), message: DirectMessage(data: Array(text.utf8))) { _ in })
    }

    private func key(_ client: String) throws -> CursorKey {
        CursorKey(identity: "i", client: client, channel: try #require(channel))
    }

    private func open(_ client: String) throws -> WriteQueue.Job {
        .open(
            WriteQueue.Opening(key: try key(client), start: Position(epoch: 1, tick: 1, seq: 1)) { _ in })
    }

    private func take(_ queue: inout WriteQueue, after wait: Duration = .zero) -> String {
        switch queue.take(now: start + wait) {
        case .publish(let messages)?: "publish \(messages.map { String(decoding: $0.message.data, as: UTF8.self) })"
        case .open(let openings)?: "open \(openings.map(\.key.client))"
        case .move(let cursors)?: "move \(cursors.count)"
        case .prune?: "prune"
        case nil: "nothing"
        }
    }

    @Test("messages that follow each other leave together, in order; what comes between parts them") func groups()
        throws
    {
        var queue = WriteQueue(pruneInterval: nil, now: start)
        #expect(queue.next(now: start, retryAt: nil) == .wait(until: nil))
        for job in [try publish("1"), try publish("2"), try open("a"), try publish("3")] {
            #expect(queue.add(job, deadline: start + .seconds(5)) == true)
        }
        #expect(queue.next(now: start, retryAt: nil) == .work)
        #expect(take(&queue) == #"publish ["1", "2"]"#)
        #expect(take(&queue) == #"open ["a"]"#)
        #expect(take(&queue) == #"publish ["3"]"#)
        #expect(take(&queue) == "nothing")
    }

    @Test("a cursor that is opened twice is opened in two statements, which could not name it twice") func sameCursor()
        throws
    {
        var queue = WriteQueue(pruneInterval: nil, now: start)
        for client in ["a", "b", "a"] { _ = queue.add(try open(client), deadline: start + .seconds(5)) }
        #expect(take(&queue) == #"open ["a", "b"]"#)
        #expect(take(&queue) == #"open ["a"]"#)
    }

    @Test("at the end cursors are moved at once, and after a failure not again before a second has passed")
    func lastMoves() throws {
        var queue = WriteQueue(pruneInterval: nil, now: start)
        _ = queue.acknowledge(try key("a"), Position(epoch: 1, tick: 1, seq: 1), now: start)
        #expect(queue.next(now: start, retryAt: nil) == .wait(until: start + WriteQueue.gather))
        queue.stop(now: start)
        #expect(queue.next(now: start, retryAt: nil) == .work)
        #expect(take(&queue) == "move 1")
        queue.settle(written: false, now: start)
        #expect(queue.next(now: start, retryAt: nil) == .wait(until: start + WriteQueue.moveAgain))
        #expect(take(&queue, after: WriteQueue.moveAgain) == "move 1")
        queue.settle(written: true, now: start + WriteQueue.moveAgain)
        #expect(queue.next(now: start + WriteQueue.moveAgain, retryAt: nil) == .finish)
    }

    @Test("one job too many is refused, and room comes back") func full() throws {
        var queue = WriteQueue(pruneInterval: nil, now: start)
        for _ in 0..<WriteQueue.capacity { #expect(queue.add(try publish(), deadline: start + .seconds(5)) == true) }
        #expect(queue.add(try publish(), deadline: start + .seconds(5)) == false)
        _ = queue.take(now: start)
        #expect(queue.add(try publish(), deadline: start + .seconds(5)) == true)
    }

    @Test("while the database is away nothing is tried before its time, and jobs end at their deadline") func away()
        throws
    {
        var queue = WriteQueue(pruneInterval: nil, now: start)
        _ = queue.add(try publish("1"), deadline: start + .seconds(1))
        _ = queue.add(try publish("2"), deadline: start + .seconds(9))
        #expect(queue.next(now: start, retryAt: start + .seconds(2)) == .wait(until: start + .seconds(1)))
        #expect(queue.expire(now: start + .milliseconds(999)).count == 0)
        #expect(queue.expire(now: start + .seconds(1)).count == 1)
        #expect(queue.next(now: start + .seconds(1), retryAt: start + .seconds(2)) == .wait(until: start + .seconds(2)))
        #expect(queue.next(now: start + .seconds(2), retryAt: start + .seconds(2)) == .work)
        #expect(take(&queue) == #"publish ["2"]"#)
    }

    @Test("acknowledgements gather for 200 ms, and a busy queue does not hold them up") func gathers() throws {
        var queue = WriteQueue(pruneInterval: nil, now: start)
        for number in 0..<5 {
            #expect(queue.acknowledge(try key("\(number)"), Position(epoch: 1, tick: 1, seq: 1), now: start) == true)
        }
        #expect(queue.next(now: start, retryAt: nil) == .wait(until: start + .milliseconds(200)))
        _ = queue.add(try publish("1"), deadline: start + .seconds(5))
        _ = queue.add(try open("a"), deadline: start + .seconds(5))
        #expect(take(&queue) == #"publish ["1"]"#)
        #expect(take(&queue, after: .milliseconds(200)) == "move 5")
        queue.settle(written: false, now: start + .milliseconds(200))
        #expect(take(&queue, after: .milliseconds(300)) == #"open ["a"]"#)
        #expect(
            queue.next(now: start + .milliseconds(300), retryAt: nil) == .wait(until: start + .milliseconds(1200)),
            "what failed is tried again later")
        #expect(take(&queue, after: .milliseconds(1200)) == "move 5")
        queue.settle(written: true, now: start + .milliseconds(1200))
        #expect(queue.next(now: start + .seconds(9), retryAt: nil) == .wait(until: nil))
    }

    @Test("told to stop, it does what waits at once, takes nothing more, and ends in time") func stops() throws {
        var queue = WriteQueue(pruneInterval: .seconds(60), now: start)
        _ = queue.acknowledge(try key("a"), Position(epoch: 1, tick: 1, seq: 1), now: start)
        _ = queue.add(try publish("1"), deadline: start + .seconds(60))
        queue.stop(now: start)
        #expect(queue.add(try publish("2"), deadline: start + .seconds(60)) == false)
        #expect(take(&queue) == "move 1")
        queue.settle(written: true, now: start)
        #expect(queue.next(now: start, retryAt: start + .seconds(9)) == .wait(until: start + .seconds(3)))
        #expect(queue.next(now: start + .seconds(3), retryAt: start + .seconds(9)) == .finish)
        #expect(queue.finish().count == 1)
        #expect(queue.next(now: start, retryAt: nil) == .finish)
    }

    @Test("old cursors are removed at the interval") func prunes() {
        var queue = WriteQueue(pruneInterval: .seconds(60), now: start)
        #expect(queue.next(now: start, retryAt: nil) == .wait(until: start + .seconds(60)))
        #expect(take(&queue, after: .seconds(60)) == "prune")
        #expect(take(&queue, after: .seconds(60)) == "nothing")
        #expect(take(&queue, after: .seconds(120)) == "prune")
    }
}
