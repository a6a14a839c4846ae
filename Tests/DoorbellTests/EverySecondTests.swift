import DoorbellCore
import Testing

@testable import Doorbell

@Suite(.timeLimit(.minutes(1))) struct EverySecondTests {
    @Test func `all jobs are done again and again, until it is to end`() async throws {
        let done = Locked<[String]>([])
        let (rounds, round) = AsyncStream.makeStream(of: Void.self)
        let service = EverySecond(jobs: [
            { done.withLock { $0.append("a") } },
            {
                done.withLock { $0.append("b") }
                round.yield()
            },
        ]) { done.withLock { $0.append("end") } }
        let running = Task { try await service.run() }
        var iterator = rounds.makeAsyncIterator()
        for _ in 0..<2 { await iterator.next() }
        running.cancel()
        try await running.value
        #expect(done.withLock { $0.prefix(4) } == ["a", "b", "a", "b"])
        #expect(done.withLock { $0.last } == "end")
    }
}
