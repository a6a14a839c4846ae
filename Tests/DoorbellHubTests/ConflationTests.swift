import DoorbellCore
import DoorbellTestSupport
import Testing

@testable import DoorbellHub

@Suite struct ConflationTests {
    func publication(_ seq: UInt64, _ content: Publication.Content) -> Publication {
        Publication(
            feature: feature(), channel: channel("order:1"), position: at(seq), previous: at(seq - 1),
            committedAt: second(1), content: content)
    }

    func change(_ seq: UInt64, _ operation: Operation, key: String?, data: String? = nil) -> Publication {
        publication(
            seq,
            .change(
                operation,
                [
                    Publication.Rendition(
                        version: .first, key: key.map { Array($0.utf8) }, data: data.map { Array($0.utf8) },
                        changed: nil)
                ]))
    }

    func kept(_ publications: [Publication], limit: Int = .max) -> [UInt64] {
        Conflation(of: publications, limit: limit).kept.map(\.position.seq)
    }

    @Test("of each row the newest message is kept, in the order of the positions")
    func newest() {
        let all = [
            change(1, .insert, key: "a"), change(2, .insert, key: "b"), change(3, .update, key: "a"),
            change(4, .delete, key: "b"), change(5, .update, key: "a"), change(6, .insert, key: "b"),
        ]
        let conflation = Conflation(of: all, limit: .max)
        #expect(conflation.kept.map(\.position.seq) == [5, 6])
        #expect(conflation.dropped == 4 && conflation.isWhole)
        #expect(kept([]) == [])
        #expect(Conflation(of: [], limit: 1).isWhole)
    }

    @Test(
        "truncate and reset take the place of all rows before them, reset and signal of signals; truncate not of signals"
    )
    func supersede() {
        #expect(
            kept([
                change(1, .insert, key: "a"), change(2, .insert, key: nil), change(3, .truncate, key: nil),
                change(4, .insert, key: "a"),
            ]) == [3, 4])
        #expect(
            kept([
                publication(1, .signal), change(2, .insert, key: "a"), change(3, .truncate, key: nil),
                publication(4, .reset(reason: "x")), change(5, .insert, key: "b"),
            ]) == [4, 5])
        #expect(kept([publication(1, .signal), change(2, .truncate, key: nil)]) == [1, 2])
        #expect(kept([publication(1, .signal), publication(2, .signal), publication(3, .signal)]) == [3])
        #expect(kept([publication(1, .reset(reason: "x")), publication(2, .signal)]) == [1, 2])
    }

    @Test("rows of a table without a key are all told, also equal ones that go one after the other")
    func withoutKey() {
        let row = #"{"name":"x"}"#
        let all = [
            change(1, .insert, key: nil, data: row), change(2, .insert, key: nil, data: row),
            change(3, .delete, key: row), change(4, .delete, key: row),
        ]
        #expect(kept(all) == [1, 2, 3, 4])
    }

    @Test("direct messages are all kept, whatever follows")
    func messages() {
        let said = Publication.Content.message(DirectMessage(data: [0x31]))
        let all = [
            publication(1, said), change(2, .insert, key: "a"), publication(3, said), change(4, .truncate, key: nil),
            publication(5, .reset(reason: "r")),
        ]
        #expect(kept(all) == [1, 3, 5])
    }

    @Test("what is kept ends at the limit, and counts what was left out up to there only")
    func limit() {
        let all = (1...10).map { change($0, .update, key: "\($0 % 5)") }
        let cost = all[0].cost
        let first = Conflation(of: all, limit: 2 * cost)
        #expect(first.kept.map(\.position.seq) == [6, 7] && first.dropped == 5 && !first.isWhole)
        let rest = Conflation(of: Array(all[7...]), limit: .max)
        #expect(rest.kept.map(\.position.seq) == [8, 9, 10] && rest.dropped == 0 && rest.isWhole)
        #expect(kept(all, limit: 0) == [6], "one message in any case")
    }

    /// Rows by key, as a client keeps them.
    struct Rows: Equatable {
        var rows: [[UInt8]: [UInt8]] = [:]
        mutating func apply(_ publication: Publication) {
            guard case .change(let operation, let renditions) = publication.content else { return }
            switch (operation, renditions.first?.key) {
            case (.truncate, _): rows = [:]
            case (.delete, let key?): rows[key] = nil
            case (_, let key?): rows[key] = renditions[0].data
            case (_, nil): break
            }
        }
    }

    @Test("whoever applies what is kept, part by part, has the rows of whoever applies everything", arguments: 1...200)
    func sameState(seed: UInt64) {
        var random = SplitMix(state: seed)
        var present: Set<Int> = []
        let all = (1...UInt64.random(in: 1...120, using: &random)).map { seq -> Publication in
            let key = Int.random(in: 0..<6, using: &random)
            switch Int.random(in: 0..<20, using: &random) {
            case 0:
                present = []
                return change(seq, .truncate, key: nil)
            case 1: return publication(seq, .signal)
            default:
                guard present.contains(key) else {
                    present.insert(key)
                    return change(seq, .insert, key: "\(key)", data: "\(seq)")
                }
                guard Bool.random(using: &random) else { return change(seq, .update, key: "\(key)", data: "\(seq)") }
                present.remove(key)
                return change(seq, .delete, key: "\(key)")
            }
        }
        var whole = Rows()
        for publication in all { whole.apply(publication) }
        var conflated = Rows()
        var told = 0
        var dropped = 0
        var rest = all[...]
        while !rest.isEmpty {
            // What a window shows is not everything there is.
            let window = rest.prefix(Int.random(in: 1...60, using: &random))
            let part = Conflation(of: Array(window), limit: Int.random(in: 0...5000, using: &random))
            #expect(part.kept.map(\.position) == part.kept.map(\.position).sorted())
            for publication in part.kept { conflated.apply(publication) }
            told += part.kept.count
            dropped += part.dropped
            let end = part.kept.last?.position ?? at(.max)
            #expect(!part.isWhole || end == window.last?.position)
            rest = rest.drop { $0.position <= end }
        }
        #expect(conflated == whole)
        #expect(told + dropped == all.count)
        #expect(kept(all).last == all.last?.position.seq)
    }
}
