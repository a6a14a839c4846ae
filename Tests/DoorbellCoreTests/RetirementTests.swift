import DoorbellCore
import Testing

@Suite struct RetirementTests {
    func at(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: text)) }

    @Test("answers tell since when and until when, and where to read more, in the fields of their RFCs")
    func fields() throws {
        let retirement = Retirement(
            deprecated: try at("2026-12-01"), sunset: try at("2027-06-01"), link: "https://example.com/polling",
            successor: "/v2/orders")
        #expect(
            retirement.fields(since: try at("2026-11-26")).map { "\($0.name): \($0.value)" } == [
                "deprecation: @1796083200", "sunset: Tue, 01 Jun 2027 00:00:00 GMT",
                "link: </v2/orders>; rel=\"successor-version\"",
                "link: <https://example.com/polling>; rel=\"deprecation\"; type=\"text/html\"",
                "link: <https://example.com/polling>; rel=\"sunset\"; type=\"text/html\"",
            ])
        #expect(Retirement().fields(since: try at("2026-11-26")).map(\.value) == ["@1795651200"])
        #expect(Retirement().fields(since: nil).isEmpty)
    }

    @Test("polls fail within announced windows only, and for good after the sunset where that is meant")
    func verdicts() throws {
        let window = try at("2026-12-01T10:00Z")..<at("2026-12-01T10:15Z")
        var retirement = Retirement(sunset: try at("2027-06-01"), brownOuts: [window])
        for (moment, verdict) in [
            ("2026-12-01T09:59:59Z", Retirement.Verdict.answered),
            ("2026-12-01T10:00Z", .brownOut(until: window.upperBound)),
            ("2026-12-01T10:14:59Z", .brownOut(until: window.upperBound)), ("2026-12-01T10:15Z", .answered),
            ("2027-06-01", .answered),
        ] { #expect(retirement.verdict(at: try at(moment)) == verdict, "\(moment)") }
        retirement.isGone = true
        #expect(retirement.verdict(at: try at("2027-05-31T23:59:59Z")) == .answered)
        #expect(retirement.verdict(at: try at("2027-06-01")) == .gone)
        #expect(Retirement(isGone: true).verdict(at: try at("2027-06-01")) == .answered, "there is no date")
    }
}
