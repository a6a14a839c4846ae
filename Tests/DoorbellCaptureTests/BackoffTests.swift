import Testing

@testable import DoorbellCapture

@Suite("Backoff") struct BackoffTests {
    @Test("it doubles from 50 ms to 5 s, and half of it is random") func doubling() {
        var backoff = Backoff()
        let longest = (0..<9).map { _ in backoff.next(jitter: 1) }
        #expect(longest == [50, 100, 200, 400, 800, 1600, 3200, 5000, 5000].map { .milliseconds($0) })
        #expect(backoff.next(jitter: 0) == .milliseconds(2500))
        for _ in 0..<1000 { #expect(backoff.next(jitter: 1) == .seconds(5)) }
        backoff.succeeded()
        #expect(backoff.next(jitter: 0) == .milliseconds(25))
    }
}
