import DoorbellCore
import Testing

@testable import DoorbellRollout

@Suite struct ComparisonTextTests {
    @Test("all features: one column a way of being told, then one row a feature")
    func all() {
        #expect(
            ReportFixture().report.text() == """
                Polling against push, 24.0 h until 2026-11-26 08:00 UTC

                                                       polling  with ETags (est.)       push  push/polling
                requests or messages                10,006,274         10,006,274    625,666         9.7 %
                of them nothing new                     90.3 %             90.3 %          -             -
                bytes to clients                       19.1 GB             3.7 GB   203.6 MB         1.7 %
                bytes from clients                      4.2 GB             4.6 GB     7.7 MB        0.29 %
                requests to the legacy API          10,006,274         10,006,274          0           0 %
                failed                                     246                246          -             -
                changes told                           972,458            972,458    625,666             -
                told after, p50                         2.00 s             2.00 s    4.00 ms             -
                told after, p95                         3.00 s             3.00 s      16 ms             -
                told after, p99                         4.00 s             4.00 s      64 ms             -
                connections, on average                      -                  -      223.6             -
                came back after a loss                       -                  -        492             -
                fell behind (too slow)                       -                  -          0             -
                processor time of Doorbell             6.3 min            6.3 min     5.63 s         2.3 %
                cost (est.)                          USD 11.73          USD 10.34   USD 0.72         9.6 %
                a month for everybody (est.)        USD 383.82         USD 338.28  USD 36.80             -
                radio on (est.)                        100.0 %            100.0 %     47.4 %             -
                radio on, in the foreground (est.)     100.0 %            100.0 %     47.4 %             -

                feature        stage            polls  nothing new     bytes     p95  messages     bytes    p95  bytes, push/polling
                orders         push           382,346       90.3 %  731.6 MB  3.00 s   493,516  160.6 MB  16 ms                1.6 %
                notifications  canary 25 %  4,072,015       90.3 %    7.8 GB  3.00 s   132,150   43.0 MB  16 ms                1.7 %
                presence       observe      5,551,913       90.3 %   10.6 GB  3.00 s         0       0 B      -                    -

                doorbell: 7.4 min of processor time, 100.7 MB of memory now
                legacy API: 3.7 h of processor time, 440.4 MB of memory now
                the database: 8,412,331 transactions, 11,204,877 statements, of all its clients

                push/polling: what push took for as many changes told, from 2 of 3 features, those that were both polled and pushed.
                told after: from a change's commit until a client was told; for polls, until the first poll that showed it.
                with ETags (est.): the same polls, had every client sent If-None-Match and got 304 for what it had already.
                radio on (est.): had clients been alone on LTE phones; of a sample of them, since the service was started.

                """)
    }

    @Test("one feature: its columns, then one row for each cohort and path")
    func one() {
        #expect(
            ReportFixture(features: 1, stages: ["canary"]).report.text(feature: "orders") == """
                Polling against push of orders, 24.0 h until 2026-11-26 08:00 UTC

                                                 polling  with ETags (est.)       push  push/polling
                requests or messages           4,097,948          4,097,948    132,609         9.7 %
                of them nothing new               90.3 %             90.3 %          -             -
                bytes to clients                  7.8 GB             1.5 GB    43.2 MB         1.7 %
                bytes from clients                1.7 GB             1.9 GB     1.6 MB        0.29 %
                requests to the legacy API     4,097,948          4,097,948          0           0 %
                failed                               100                100          -             -
                changes told                     397,894            397,894    132,609             -
                told after, p50                   2.00 s             2.00 s    4.00 ms             -
                told after, p95                   3.00 s             3.00 s      16 ms             -
                told after, p99                   4.00 s             4.00 s      64 ms             -
                connections, on average                -                  -       47.4             -
                came back after a loss                 -                  -         66             -
                fell behind (too slow)                 -                  -          0             -
                processor time of Doorbell       2.6 min            2.6 min     1.19 s         2.3 %
                cost (est.)                     USD 4.81           USD 4.24   USD 0.15         9.6 %
                a month for everybody (est.)  USD 192.21         USD 169.41  USD 18.43             -

                cohort  path          requests  nothing new  failed        up      down  to legacy     told      p50     p95     p99  open  lost  behind
                poll    poll         3,278,401       90.3 %     100    1.4 GB    7.5 GB  3,278,401  318,360   2.00 s  3.00 s  4.00 s     -     -       -
                poll    conditional    819,547       90.3 %       0  344.2 MB  301.3 MB    819,547   79,534   2.00 s  3.00 s  4.00 s     -     -       -
                push    push           132,609            -       -    1.6 MB   43.2 MB          0  132,609  4.00 ms   16 ms   64 ms  47.4    66       0

                push/polling: what push took for as many changes told.
                told after: from a change's commit until a client was told; for polls, until the first poll that showed it.
                with ETags (est.): the same polls, had every client sent If-None-Match and got 304 for what it had already.

                """)
    }

    @Test("what was not measured is a dash, and nothing is divided by it")
    func less() {
        let polls = ReportFixture(pushes: false, hasOthers: false, stages: ["observe"]).report.text()
        #expect(
            polls.contains(
                "push/polling: nothing was both polled and pushed in this time, so there is nothing to divide."))
        #expect(!polls.contains("a month") && !polls.contains("radio"))
        let push = ReportFixture(polls: false, hasOthers: false, stages: ["push"]).report.text()
        #expect(push.contains("\nof them nothing new               -"))
        #expect(!push.contains("processor time,") && !push.contains("the database"))
    }

    @Test("clients that read too slowly: what became of them")
    func slow() throws {
        var report = ReportFixture(features: 1, stages: ["canary"]).report
        let push = try #require(report.lines.firstIndex { $0.path == .push })
        report.lines[push].total.buffers.behind = 12
        report.lines[push].total.buffers.waitingBytes = 262_100
        report.lines[push].total.buffers.conflated = 3400
        report.lines[push].total.buffers.resets = 5
        report.lines[push].total.buffers.closed = 2
        let rows = report.text().split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        for row in [
            "fell behind (too slow) - - 12 -", "most bytes waiting for one - - 262.1 kB -",
            "messages left out for them - - 3,400 -", "told to begin anew (reset) - - 5 -", "closed for it - - 2 -",
        ] {
            #expect(rows.contains(row), "\(row)")
        }
        #expect(ComparisonPage.html(report).contains("most bytes waiting for one"))
    }

    @Test("nothing was counted: it says so")
    func nothing() {
        #expect(
            ReportFixture(features: 0, hasOthers: false).report.text()
                == "Polling against push, 24.0 h until 2026-11-26 08:00 UTC\n\nNothing was counted yet.\n")
    }
}
