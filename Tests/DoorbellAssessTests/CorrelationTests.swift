import DoorbellCore
import Testing

@testable import DoorbellAssess

/// Answers that change, held against tables that do.
@Suite struct CorrelationTests {
    private static let begin: Int64 = 1_780_000_000_000

    private func entry(_ second: Double, bytes: UInt32, status: UInt16 = 200, client: UInt64 = 1) -> LogEntry {
        var entry = LogEntry()
        entry.time = Self.begin + Int64(second * 1000)
        entry.client = client
        entry.url = 7
        entry.bytes = bytes
        entry.status = status
        entry.method = .get
        return entry
    }

    private func changes(_ tables: [String: [Double]]) -> TableChanges {
        TableChanges(
            tables.flatMap { name, seconds in
                seconds.map { (QualifiedName(name)!, Self.begin + Int64($0 * 1000)) }
            })
    }

    private func evidence(
        _ tables: [String: [Double]], _ entries: [LogEntry]
    ) -> [String: ChangeEvidence] {
        var correlation = Correlation(changes(tables))
        for entry in entries { correlation.add(entry, at: 2) }
        let found = correlation.tallies[2].map { correlation.evidence($0) } ?? [:]
        return Dictionary(uniqueKeysWithValues: found.map { ($0.key.name, $0.value) })
    }

    @Test func `an answer of another size after a change counts for the table that changed, and for no other`() {
        let polls: [LogEntry] = [
            entry(0, bytes: 100), entry(5, bytes: 100), entry(10, bytes: 120), entry(15, bytes: 0, status: 304),
            entry(20, bytes: 130),
        ]
        let found = evidence(["messages": [0, 8, 18, 60], "orders": [0, 12, 60]], polls)
        #expect(found["messages"] == ChangeEvidence(pairs: 4, changed: 2, tableChanged: 2, both: 2))
        #expect(found["orders"] == ChangeEvidence(pairs: 4, changed: 2, tableChanged: 1, both: 0))
    }

    @Test func `times of a log are whole seconds, so a change within that second may be in the answer`() {
        let found = evidence(
            ["messages": [0, 10.7, 60]], [entry(5, bytes: 1), entry(10, bytes: 2), entry(15, bytes: 2)])
        #expect(found["messages"]?.both == 1)
    }

    @Test func `nothing is said of times that the record does not cover, of errors, and of clients that were away`() {
        #expect(evidence(["a": [100, 200]], [entry(0, bytes: 1), entry(5, bytes: 2)]).isEmpty)
        #expect(evidence(["a": [0, 900]], [entry(0, bytes: 1), entry(400, bytes: 2)]).isEmpty)
        let failing = [entry(0, bytes: 1), entry(5, bytes: 9, status: 500), entry(10, bytes: 1)]
        #expect(
            evidence(["a": [0, 900]], failing)["a"] == ChangeEvidence(pairs: 1, changed: 0, tableChanged: 0, both: 0))
        let two = [
            entry(0, bytes: 1), entry(1, bytes: 2, client: 2), entry(5, bytes: 1), entry(6, bytes: 2, client: 2),
        ]
        #expect(evidence(["a": [0, 900]], two)["a"]?.changed == 0)
    }

    @Test func `changes of other tables, and of another time, are told of`() throws {
        let text = "1780000000,public.orders\n1780000900,public.order\n"
        let changes = try TableChanges(Array(text.utf8), name: "changes.csv")
        let database = DatabaseDescription(place: "db", tables: [TableDescription(QualifiedName("orders")!)])
        func remarks(_ begin: Int64, _ end: Int64) -> [String] {
            changes.remarks(
                database, begin: Timestamp(microseconds: begin * 1_000_000),
                end: Timestamp(microseconds: end * 1_000_000))
        }
        let unknown = "tables that are said to have changed and are not in the database: public.order"
        #expect(remarks(1_780_000_900, 1_780_001_000) == [unknown])
        #expect(
            remarks(1_780_000_901, 1_780_001_000) == [
                unknown,
                "the changes that are known, of 2026-05-28T20:26:40Z to 2026-05-28T20:41:40Z, are none of the time of the logs: nothing was compared",
            ])
        #expect(remarks(1_779_999_000, 1_779_999_999).count == 2)
    }

    @Test func `a file of changes names tables, and says which line does not`() throws {
        let text =
            "at,table\n2026-05-28T20:26:40Z,public.orders\n\"1780000001\",\"orders\"\r\n1780000000500,billing.invoices\n"
        let changes = try TableChanges(Array(text.utf8), name: "changes.csv")
        #expect(changes.tables.map(\.description) == ["public.orders", "billing.invoices"])
        #expect(changes.span == Self.begin...(Self.begin + 1000))
        func message(_ text: String) -> String? {
            #expect(throws: DoorbellError.self) { try TableChanges(Array(text.utf8), name: "c.csv") }?.message
        }
        #expect(
            message("1780000000,/api/orders") == "c.csv:1: what changed must be the name of a table, 'public.orders'")
        #expect(message("1780000000,a.b.c") == "c.csv:1: what changed must be the name of a table, 'public.orders'")
        #expect(message("1780000000,a\nyesterday,b") == "c.csv:2 is no change")
        #expect(message("at,table\n") == "there is no change in c.csv")
    }
}
