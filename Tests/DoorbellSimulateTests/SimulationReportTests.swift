import DoorbellReport
import DoorbellRollout
import Testing

@testable import DoorbellSimulate

@Suite("What a simulation reports")
struct SimulationReportTests {
    static func phase(_ kind: PhaseKind, requests: Int, cpu: [Double], lateness: Double? = 0.001) -> PhaseResult {
        let names = ["legacy API", "PostgreSQL"] + (kind.usesDoorbell ? ["Doorbell"] : []) + ["load generator"]
        return PhaseResult(
            name: kind.name, isPush: kind.isPush, seconds: 30, connections: 5000, lost: 0, connecting: 2.5,
            requests: requests, unchanged: kind.isPush ? 0 : requests * 98 / 100, failures: 0, skipped: 0,
            bytesUp: requests * 100, bytesDown: requests * 1000, transactions: requests,
            usage: names.indices.map {
                Usage(name: names[$0], cpuSeconds: cpu[$0], peakMemory: 20, meanMemory: 10)
            },
            changes: 1500, missed: 0, strangers: 0,
            staleness: ComparisonReport.Percentiles(p50: kind.isPush ? 0.004 : 1, p95: 1.9, p99: 2),
            stalenessBuckets: [StalenessBucket(upTo: 0.01, count: 5), StalenessBucket(upTo: 2, count: 1495)],
            answerTime: 0.003, generatorLateness: lateness, radioShare: kind.isPush ? 0.5 : 1)
    }

    private static func report(_ phases: PhaseResult..., change: (inout SimulationPlan) -> Void = { _ in })
        -> SimulationReport
    {
        var plan = SimulationPlan()
        change(&plan)
        return SimulationReport(
            plan: plan,
            machine: SimulationReport.Machine(
                cores: 2, processor: "a processor", kernel: "Linux 6", database: "PostgreSQL 15.4"),
            phases: phases)
    }

    @Test("both columns and the ratio, in words")
    func table() {
        let report = Self.report(
            Self.phase(.polling, requests: 75_000, cpu: [9, 6, 4]),
            Self.phase(.push(.webSocket), requests: 1500, cpu: [0, 1, 0.5, 0.3]))
        let lines = report.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines[0] == "5,000 clients, a poll every 2 s each, 50 changes a second, 30 s each way")
        func words(_ name: String) -> [Substring] {
            lines.first { $0.hasPrefix(name) }?.split(separator: "  ", omittingEmptySubsequences: true)
                .map { $0.drop { $0 == " " } } ?? []
        }
        #expect(lines[2].hasSuffix("polling  push (WebSocket)  push against polling"))
        #expect(words("requests, or messages") == ["requests, or messages", "75,000", "1,500", "50 times fewer"])
        #expect(words("  unchanged") == ["unchanged", "98.0 %", "0.0 %"])
        #expect(words("bytes down") == ["bytes down", "75.0 MB", "1.5 MB", "50 times fewer"])
        #expect(words("CPU s, legacy API") == ["CPU s, legacy API", "9.00", "0.00", "none left"])
        #expect(words("CPU s, Doorbell") == ["CPU s, Doorbell", "-", "0.50"])
        #expect(words("CPU s, the servers") == ["CPU s, the servers together", "15.0", "1.50", "10 times less"])
        #expect(words("staleness p50") == ["staleness p50", "1.00 s", "4.00 ms", "250 times sooner"])
        #expect(words("staleness p95") == ["staleness p95", "1.90 s", "1.90 s", "the same"])
        #expect(words("radio of a phone on") == ["radio of a phone on, est.", "100 %", "50 %", "2.0 times less"])
        #expect(words("  missed") == ["missed", "0", "0"])
        #expect(lines.contains { $0.hasPrefix("machine: 2 cores of a processor, Linux 6, PostgreSQL 15.4") })
    }

    @Test("with entity tags and a cache, push is compared with each")
    func columns() {
        let report = Self.report(
            Self.phase(.polling, requests: 75_000, cpu: [9, 6, 4]),
            Self.phase(.conditional, requests: 75_000, cpu: [9, 6, 4]),
            Self.phase(.cached, requests: 75_000, cpu: [1, 1, 3, 4]),
            Self.phase(.push(.heldPoll), requests: 1500, cpu: [1, 1, 1, 0.3]), change: { $0.transport = .heldPoll })
        #expect(
            report.table[0] == [
                "", "polling", "with ETags", "with cache", "push (long-poll)", "against polling",
                "against ETags", "against cache",
            ])
        #expect(report.table.allSatisfy { $0.count == 8 })
        #expect(report.notes.contains { $0.hasPrefix("push: a held poll asks the legacy API") })
    }

    @Test("the hour by arithmetic, and what was measured")
    func arithmetic() {
        let report = Self.report(
            Self.phase(.polling, requests: 74_850, cpu: [9, 6, 4]),
            Self.phase(.push(.webSocket), requests: 1500, cpu: [0, 1, 0.5, 0.3]))
        #expect(
            report.notes.first
                == "polling: 5,000 clients × 3,600 s / 2 s = 9,000,000 requests an hour; measured 8,982,000, 0.20 % fewer"
        )
        #expect(report.notes.contains { $0.contains("60,000 requests an hour to the legacy API") })
        #expect(!report.notes.contains { $0.contains("is the limit") })
    }

    @Test("a rate that was not reached is told, with what was in the way")
    func limits() {
        func notes(_ cpu: [Double], lateness: Double, kind: PhaseKind = .polling) -> [String] {
            Self.report(
                Self.phase(kind, requests: 57_000, cpu: cpu, lateness: lateness),
                Self.phase(.push(.webSocket), requests: 1500, cpu: [0, 1, 0.5, 0.3])
            ).notes
        }
        let measured = "measured 1,900 of 2,500 polls a second: "
        #expect(notes([20, 8, 4], lateness: 0.01).contains("polling: \(measured)the legacy API is the limit"))
        #expect(notes([3, 3, 28], lateness: 0.4).contains("polling: \(measured)the load generator is the limit"))
        #expect(
            notes([3, 3, 10], lateness: 0.4).contains(
                "polling: \(measured)something else on this machine, which keeps it busy, is the limit"))
        #expect(
            notes([25, 20, 14], lateness: 0.4).contains(
                "polling: \(measured)the machine, all of whose cores are busy, is the limit"))
        #expect(
            notes([5, 5, 20, 4], lateness: 0.01, kind: .cached).contains(
                "with cache: \(measured)Doorbell with the legacy API behind it is the limit"))
    }

    @Test("what went wrong is told")
    func troubles() {
        var polling = Self.phase(.polling, requests: 75_000, cpu: [9, 6, 4])
        polling.failures = 3
        polling.changes = 1400
        var push = Self.phase(.push(.webSocket), requests: 1500, cpu: [0, 1, 0.5, 0.3])
        push.lost = 2
        push.strangers = 1
        let notes = Self.report(polling, push).notes
        #expect(notes.contains("polling: 3 answers were errors"))
        #expect(notes.contains("polling: 1,400 of 1,500 changes were written: commits took too long for one writer"))
        #expect(notes.contains("push (WebSocket): 2 connections were lost"))
        #expect(notes.contains("push (WebSocket): 1 changes were shown to another user's client"))
    }

    @Test(
        "ratios are words",
        arguments: [
            (50, 1, "50 times fewer"), (12, 10, "1.2 times fewer"), (1, 1, "the same"), (104, 100, "the same"),
            (1, 1.3, "1.3 times more"), (5, 0, "none left"), (0, 0, ""), (0, 3, "new"), (99.6, 10, "10 times fewer"),
        ] as [(Double, Double, String)])
    func ratios(polling: Double, push: Double, text: String) {
        #expect(Ratio(polling: polling, push: push, words: .fewer).text == text)
    }

    @Test("sooner and later")
    func times() {
        #expect(Ratio(polling: 1, push: 0.004, words: .sooner).text == "250 times sooner")
        #expect(Ratio(polling: 1, push: 2, words: .sooner).text == "2.0 times later")
    }

    @Test("numbers as people read them")
    func figures() {
        #expect(
            [0, 12, 999, 1000, 9_000_000].map { Figures.count($0 as Double) } == [
                "0", "12", "999", "1,000", "9,000,000",
            ])
        #expect(
            [0.001, 1.5, 9.99, 12.34, 99.96, 2500].map(Figures.digits) == [
                "0.00", "1.50", "9.99", "12.3", "100", "2,500",
            ])
        #expect([2, 0.5, 12.25, 0].map { Figures.plain($0, places: 3) } == ["2", "0.5", "12.25", "0"])
        #expect(Figures.count(.infinity) == "1,000,000,000,000,000")
    }

    @Test("a progress bar that fits its line")
    func progress() {
        let progress = SimulationProgress(
            phase: "polling", activity: "measuring", share: 0.5, secondsLeft: 41.2, rate: 2499.6)
        #expect(
            progress.bar(width: 100)
                == "[###############---------------] polling: measuring, 42 s left, 2,500 a second")
        #expect(progress.bar(width: 60).count <= 60)
        #expect(progress.bar(width: 10).count <= 10)
        #expect(SimulationProgress(phase: "a", activity: "b", share: 7, secondsLeft: -1).bar(width: 30).count <= 30)
    }

    @Test("memory: the highest and the mean")
    func memory() {
        var samples = MemorySamples()
        #expect(samples.mean == 0)
        for value in [10.0, 30, 20] { samples.add(value) }
        #expect(samples.peak == 30)
        #expect(samples.mean == 20)
    }
}
