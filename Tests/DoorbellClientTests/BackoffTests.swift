import DoorbellClient
import Testing

private struct Fixed: RandomNumberGenerator {
    var value: UInt64
    mutating func next() -> UInt64 { value }
}

@Suite struct BackoffTests {
    @Test("the bound doubles from one second to thirty, and begins again after a reset")
    func doubles() {
        var backoff = Backoff()
        var top = Fixed(value: .max)
        let waits = (0..<7).map { _ in backoff.next(using: &top).components.seconds }
        // Not all generators give the very end of the range: within a second is near enough.
        for (wait, bound) in zip(waits, [1, 2, 4, 8, 16, 30, 30] as [Int64]) {
            #expect((bound - 1...bound).contains(wait))
        }
        backoff.reset()
        #expect(backoff.next(using: &top) <= .seconds(1))
    }

    @Test("the jitter is full: waits reach down to nothing, and no number of attempts overflows")
    func jitter() {
        var backoff = Backoff(first: .milliseconds(10), maximum: .seconds(60))
        // Not 0, which the range reduction of the standard library would reject for ever.
        var bottom = Fixed(value: 1)
        for _ in 0..<200 { #expect(backoff.next(using: &bottom) == .zero) }
        var random = SystemRandomNumberGenerator()
        let waits = (0..<1000).map { _ in backoff.next(using: &random) }
        #expect(waits.allSatisfy { $0 >= .zero && $0 <= .seconds(60) })
        #expect(waits.contains { $0 < .seconds(20) } && waits.contains { $0 > .seconds(40) })
    }
}
