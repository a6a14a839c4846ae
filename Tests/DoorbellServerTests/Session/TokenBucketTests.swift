import Testing

@testable import DoorbellServer

@Suite struct TokenBucketTests {
    @Test("a bucket gives its burst, then one token per interval")
    func burst() {
        var bucket = TokenBucket(capacity: 3, now: 0)
        var taken = 0
        for _ in 0..<10 where bucket.take(rate: 2, capacity: 3, now: 0) { taken += 1 }
        #expect(taken == 3)
        let early = bucket.take(rate: 2, capacity: 3, now: 0.4)
        let inTime = bucket.take(rate: 2, capacity: 3, now: 0.5)
        #expect(!early)
        #expect(inTime)
    }

    @Test("a clock that goes back gives nothing and takes nothing")
    func clockBack() {
        var bucket = TokenBucket(capacity: 1, now: 100)
        let taken = [
            bucket.take(rate: 1, capacity: 1, now: 100), bucket.take(rate: 1, capacity: 1, now: 50),
            bucket.take(rate: 1, capacity: 1, now: 101),
        ]
        #expect(taken == [true, false, true])
    }
}
