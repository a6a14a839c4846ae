import DoorbellCore
import Testing

@testable import Doorbell

@Suite struct ComparisonConfigurationTests {
    private func read(_ section: String) -> (configuration: Configuration?, problems: [String]) {
        let reader = ConfigurationReader(file: "/etc/doorbell/doorbell.yaml", environment: [:])
        let configuration = Configuration.read(ConfigurationTests.minimal + "\ncomparison: \(section)\n", with: reader)
        return (configuration, reader.problems.map(\.description))
    }

    @Test("how long the ledger is kept, and where the legacy API runs")
    func settings() throws {
        #expect(Configuration.Comparison().retention == .seconds(30 * 86_400))
        let kept = read("{ retention: 90d }")
        #expect(kept.problems == [] && kept.configuration?.comparison.retention == .seconds(90 * 86_400))
        for (text, place) in [
            ("{ pid: 1234 }", LegacyProcess.Place.process(1234)),
            ("{ pid: /run/app.pid }", .pidFile("/run/app.pid")),
            ("{ pid: app.pid }", .pidFile("/etc/doorbell/app.pid")),
            ("{ cgroup: /sys/fs/cgroup/app }", .cgroup("/sys/fs/cgroup/app")),
        ] {
            let found = read("{ legacy: \(text) }")
            #expect(found.problems == [] && found.configuration?.comparison.legacy == place, "\(text)")
        }
    }

    @Test(
        "what cannot be meant is refused with a sentence",
        arguments: [
            ("{ retention: 1m }", "comparison.retention"),
            ("{ legacy: {} }", "comparison.legacy names neither 'pid' nor 'cgroup'"),
            ("{ legacy: { pid: 1, cgroup: /a } }", "comparison.legacy has both 'pid' and 'cgroup'"),
            ("{ legacy: { pid: 0 } }", "comparison.legacy.pid must be a process, not '0'"),
            ("{ legacy: { pids: 1 } }", "comparison.legacy"),
        ])
    func mistakes(_ section: String, _ sentence: String) {
        let problems = read(section).problems
        #expect(problems.contains { $0.contains(sentence) }, "\(problems)")
    }
}
