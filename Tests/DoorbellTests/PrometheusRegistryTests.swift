import CoreMetrics
import Foundation
import Testing

@testable import Doorbell

@Suite struct PrometheusRegistryTests {
    @Test("counters, gauges and histograms print as Prometheus reads them")
    func exposition() {
        let registry = PrometheusRegistry(help: ["polls_total": "Polls."])
        registry.makeCounter(label: "polls_total", dimensions: [("feature", "a\"b\\c\nd")]).increment(by: 2)
        registry.makeMeter(label: "open", dimensions: []).set(1.5)
        registry.makeTimer(label: "wait_seconds", dimensions: []).recordNanoseconds(1_500_000)
        let text = registry.exposition()
        #expect(text.contains("# HELP polls_total Polls.\n# TYPE polls_total counter\n"))
        #expect(text.contains(#"polls_total{feature="a\"b\\c\nd"} 2"#))
        #expect(text.contains("open 1.5\n"))
        #expect(text.contains(#"wait_seconds_bucket{le="0.001"} 0"#))
        #expect(text.contains(#"wait_seconds_bucket{le="0.002"} 1"#))
        #expect(text.contains(#"wait_seconds_bucket{le="+Inf"} 1"#))
        #expect(text.contains("wait_seconds_count 1\n"))
    }

    @Test("the same name and labels are the same instrument, whoever asks for it")
    func shared() {
        let registry = PrometheusRegistry()
        for _ in 0..<3 { registry.makeCounter(label: "a_total", dimensions: [("x", "1")]).increment(by: 1) }
        registry.makeCounter(label: "a_total", dimensions: [("x", "2")]).increment(by: 1)
        #expect(registry.value(#"a_total{x="1"}"#) == 3)
        #expect(registry.value(#"a_total{x="2"}"#) == 1)
    }

    @Test("a name of one kind does not become another: the exposition stays valid")
    func oneKind() {
        let registry = PrometheusRegistry()
        registry.makeCounter(label: "a_total", dimensions: []).increment(by: 1)
        registry.makeMeter(label: "a_total", dimensions: []).set(7.0)
        #expect(registry.exposition() == "# TYPE a_total counter\na_total 1\n")
    }

    /// Every instrument in the sources has a line in the reference, and the README lists each.
    @Test("every metric is documented")
    func documented() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        var found: Set<String> = []
        let files = FileManager.default.enumerator(at: root.appending(path: "Sources"), includingPropertiesForKeys: nil)
        while let file = files?.nextObject() as? URL {
            guard file.pathExtension == "swift", file.lastPathComponent != "MetricsReference.swift" else { continue }
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: /label: *"(doorbell_[a-z_]+)"/) { found.insert(String(match.1)) }
        }
        #expect(found.count > 15)
        #expect(found.subtracting(MetricsReference.help.keys).sorted() == [])
        #expect(Set(MetricsReference.help.keys).subtracting(found).sorted() == [])
        let readme = try String(contentsOf: root.appending(path: "README.md"), encoding: .utf8)
        for name in MetricsReference.help.keys { #expect(readme.contains("`\(name)`")) }
    }
}
