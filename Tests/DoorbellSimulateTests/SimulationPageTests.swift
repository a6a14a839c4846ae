import DoorbellTestSupport
import Testing

@testable import DoorbellSimulate

@Suite("A simulation as a page")
struct SimulationPageTests {
    private static func report(_ phases: [PhaseResult], processor: String = "a processor") -> SimulationReport {
        SimulationReport(
            plan: SimulationPlan(),
            machine: SimulationReport.Machine(
                cores: 2, processor: processor, kernel: "Linux 6", database: "PostgreSQL 15.4"), phases: phases)
    }

    private static let phases = [
        SimulationReportTests.phase(.polling, requests: 75_000, cpu: [9, 6, 4]),
        SimulationReportTests.phase(.conditional, requests: 75_000, cpu: [9, 6, 4]),
        SimulationReportTests.phase(.push(.webSocket), requests: 1500, cpu: [0, 1, 0.5, 0.3]),
    ]

    @Test("says what the table says, and more")
    func page() {
        let html = SimulationPage.html(Self.report(Self.phases))
        for words in [
            "5,000 clients", "50 times fewer", "with ETags", "push (WebSocket)", "9,000,000", "10 times less",
        ] {
            #expect(html.contains(words), "\(words)")
        }
    }

    @Test("is well-formed, also with odd names and without figures")
    func wellFormed() {
        for report in [Self.report(Self.phases, processor: "<b>&\"' \u{1}"), Self.report([])] {
            let page = WellFormed(SimulationPage.html(report))
            #expect(page.problem == nil)
            #expect(page.addresses == [])
        }
    }
}
