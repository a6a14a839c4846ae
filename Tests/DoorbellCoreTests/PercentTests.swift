import DoorbellCore
import Testing

@Suite struct PercentTests {
    @Test(
        "percentages are read to the hundredth and written without what says nothing",
        arguments: [
            ("0", 0, "0"), ("5", 500, "5"), ("5%", 500, "5"), ("12.5", 1250, "12.5"), ("0.25", 25, "0.25"),
            ("99.05", 9905, "99.05"), ("100", 10_000, "100"), ("100.00", 10_000, "100"), ("007", 700, "7"),
        ])
    func read(text: String, hundredths: Int, written: String) {
        #expect(Percent(text)?.hundredths == hundredths)
        #expect(Percent(text)?.description == written)
    }

    @Test(
        "anything else is none",
        arguments: [
            "", "%", "-1", "+1", "101", "100.01", "1.234", "1.", ".5", "1e1", "5 %", "5%%", "١", "1.2.3", "9999",
        ])
    func refused(text: String) { #expect(Percent(text) == nil) }

    @Test("stages are in order, and a rollout has a percentage in canary only")
    func rollout() {
        #expect(Stage.allCases == Stage.allCases.sorted())
        #expect(Rollout(.push, percent: Percent("5")).percent == nil)
        #expect(Rollout(.canary).percent == .zero)
        let shares = [
            Rollout(.observe), Rollout(.shadow), Rollout(.canary, percent: Percent("5")), Rollout(.push),
            Rollout(.retired),
        ]
        .map(\.share.description)
        #expect(shares == ["0", "0", "5", "100", "100"])
        #expect(Rollout(.canary, percent: Percent("2.5")).description == "canary 2.5 %")
    }
}
