import Testing

@testable import DoorbellAssess

@Suite struct VerdictTests {
    /// Polled every 5 s by 100 clients, changing often.
    private var figures: EndpointFigures {
        var figures = EndpointFigures()
        figures.route = "/api/orders/{order_id}"
        figures.requests = 10_000
        figures.duration = 3600
        figures.pollers = 100
        figures.polls = 9500
        figures.polledURLs = 100
        figures.period = 5
        figures.compared = 9000
        figures.unchanged = 0.8
        figures.changesPerHour = 100
        figures.staleness = 2.5
        figures.agents = [("browsers", 1)]
        figures.pollBytes = 9500 * 1000
        return figures
    }

    private func verdict(_ change: (inout EndpointFigures) -> Void) -> Verdict {
        var figures = figures
        change(&figures)
        return Verdict(figures)
    }

    @Test func `more than one poll a minute is worth it`() {
        let verdict = Verdict(figures)
        #expect(verdict.advice == .push)
        #expect(verdict.rule == "more-than-one-a-minute")
        #expect(
            verdict.reasons == [
                "a client polls 12 times a minute",
                "80 % of the polls bring nothing new, a change waits 2.5 s for its poll",
            ])
        #expect(verdict.isWorthIt)
    }

    @Test func `once a minute or less is not`() {
        let verdict = verdict { $0.period = 61 }
        #expect(verdict.advice == .leaveAlone)
        #expect(verdict.rule == "fewer-than-one-a-minute")
        #expect(self.verdict { $0.period = 60 }.advice == .push)
    }

    @Test func `large answers that are polled rarely and stay the same want an ETag`() {
        let verdict = verdict {
            $0.period = 120
            $0.pollBytes = 9500 * 10_000
        }
        #expect(verdict.advice == .conditionalPoll)
        #expect(!verdict.isWorthIt)
    }

    @Test func `rare changes want an event stream, or slower polling`() {
        let often = verdict {
            $0.unchanged = 0.99
            $0.changesPerHour = 5
        }
        #expect(often.advice == .sse)
        #expect(often.rule == "rare-changes")
        let slow = verdict {
            $0.unchanged = 0.998
            $0.changesPerHour = 0.5
            $0.period = 30
        }
        #expect(slow.advice == .slowerPolling)
    }

    @Test func `programs can hold a poll`() {
        #expect(verdict { $0.agents = [("programs", 0.9), ("browsers", 0.1)] }.advice == .longPoll)
    }

    private struct Case: Sendable, CustomTestStringConvertible {
        let rule: String
        let change: @Sendable (inout EndpointFigures) -> Void
        var testDescription: String { rule }

        init(_ rule: String, _ change: @escaping @Sendable (inout EndpointFigures) -> Void) {
            self.rule = rule
            self.change = change
        }
    }

    private static let cases = [
        Case("one-off") {
            $0.pollers = 0
            $0.polls = 0
            $0.period = nil
        },
        Case("one-off") { $0.polls = 1000 }, Case("write") { $0.method = "POST" }, Case("write") { $0.method = "PUT" },
        Case("file") { $0.kind = .file }, Case("playlist") { $0.kind = .playlist },
        Case("not-found") { $0.kind = .notFound },
        Case("too-many-routes") { $0.kind = .others }, Case("monitoring") { $0.monitors = 90 },
        Case("monitoring") { $0.route = "/healthz" },
        Case("transfer") { $0.partial = 9000 }, Case("failing") { $0.clientErrors = 9000 },
        Case("too-little") {
            $0.polls = 20
            $0.requests = 20
        },
        Case("cacheable") {
            $0.unchanged = 0.9995
            $0.polledURLs = 1
        },
    ]

    @Test(arguments: cases)
    private func `what is left alone is left alone for a reason`(example: Case) {
        let verdict = verdict(example.change)
        #expect(verdict.advice == .leaveAlone)
        #expect(verdict.rule == example.rule)
        #expect(verdict.reasons.allSatisfy { !$0.isEmpty })
    }

    @Test func `no figures make a verdict, too`() { #expect(Verdict(EndpointFigures()).rule == "one-off") }
}
