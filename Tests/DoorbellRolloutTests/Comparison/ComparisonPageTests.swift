import DoorbellTestSupport
import Testing

@testable import DoorbellRollout

@Suite struct ComparisonPageTests {
    static let reports: [(String, ComparisonReport)] = [
        ("usual", ReportFixture().report), ("one feature", ReportFixture(features: 1, stages: ["canary"]).report),
        ("only polls", ReportFixture(pushes: false, stages: ["observe"]).report),
        ("only push", ReportFixture(polls: false, stages: ["push"]).report),
        ("nothing else known", ReportFixture(hasOthers: false).report),
        ("empty", ReportFixture(features: 0, hasOthers: false).report),
        ("100 features and a week", ReportFixture(features: 100, length: 7 * 86_400, step: 300).report),
    ]

    @Test("every page is well-formed, of one file and without scripts", arguments: reports)
    func pages(_ name: String, _ report: ComparisonReport) {
        let html = ComparisonPage.html(report)
        let reader = WellFormed(html)
        #expect(reader.problem == nil)
        #expect(reader.addresses.isEmpty && !reader.elements.contains("script"))
        #expect(!html.contains("url(") && !html.contains("@import"))
        // Each picture has a name and a description.
        let pictures = reader.elements.filter { $0 == "svg" }.count
        #expect(pictures >= (report.lines.isEmpty ? 1 : 6) && reader.elements.filter { $0 == "desc" }.count == pictures)
        // Half a megabyte opens at once anywhere.
        #expect(html.utf8.count < 500_000, "\(html.utf8.count)")
        for feature in report.features { #expect(reader.text.contains(feature.name)) }
    }

    @Test("names are text, whatever they look like")
    func escaping() {
        var report = ReportFixture(features: 1, stages: ["canary"]).report
        let name = "<script>alert(1)</script>&\"'"
        report.features[0].name = name
        report.features[0].poll = name
        report.features[0].stage = name
        for index in report.lines.indices { report.lines[index].feature = name }
        report.processes[0].name = name
        var prices = Prices()
        prices.currency = "<b>"
        for html in [
            ComparisonPage.html(report, prices: prices), ComparisonPage.html(report, feature: name, prices: prices),
        ] {
            let reader = WellFormed(html)
            #expect(reader.problem == nil && !reader.elements.contains("script") && !reader.elements.contains("b"))
            #expect(reader.text.contains(name))
        }
    }

    @Test("what was not measured has no section, and estimates are called that")
    func sections() {
        let whole = WellFormed(ComparisonPage.html(ReportFixture().report)).text
        for words in [
            "Bandwidth", "How late clients are told", "Load of the legacy API", "Processors and memory",
            "Cost (estimate)",
            "Radio and battery (estimate)", "With ETags (estimate)", "Huang et al., MobiSys 2012",
            "a month for everybody (estimate)",
        ] { #expect(whole.contains(words), "\(words)") }
        let less = WellFormed(ComparisonPage.html(ReportFixture(hasOthers: false).report)).text
        for words in ["Processors and memory", "Radio", "transactions"] { #expect(!less.contains(words), "\(words)") }
        let empty = WellFormed(ComparisonPage.html(ReportFixture(features: 0, hasOthers: false).report)).text
        #expect(empty.contains("Nothing was counted yet"))
    }

    @Test("a page of one feature has its cohorts and its own points")
    func one() {
        let report = ReportFixture(features: 1, stages: ["canary"]).report
        let text = WellFormed(ComparisonPage.html(report, feature: "orders")).text
        #expect(
            text.contains("Polling against push: orders") && text.contains("By cohort") && text.contains("conditional"))
    }
}
