import DoorbellTesting
import Testing

/// Pollers are found in logs of which the truth is known: timers with jitter, throttled and sleeping tabs, several clients behind one address,
/// among people who click, reload and open pages, crawlers and scanners.
@Suite struct DetectionTests {
    @Test(arguments: [1, 2] as [UInt64], [false, true])
    func `pollers are found, and nobody else`(seed: UInt64, milliseconds: Bool) throws {
        let score = try DetectionScore(AccessLogGenerator(seed: seed, duration: 3600), milliseconds: milliseconds)
        #expect(score.precision >= 0.98, "\(score.remarks)")
        #expect(score.recall >= 0.98, "\(score.remarks)")
        #expect(score.found >= 400)
        let right = score.periodErrors.count(where: { $0 <= 0.1 })
        #expect(Double(right) >= 0.98 * Double(score.periodErrors.count), "\(score.remarks)")
        // With whole seconds, clients behind one address are told apart where their timers are not evenly spread.
        #expect(
            Double(score.sharedRight) >= (milliseconds ? 0.75 : 0.45) * Double(score.sharedFound), "\(score.remarks)")
    }
}
