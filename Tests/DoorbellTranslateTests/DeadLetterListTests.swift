import DoorbellCore
import DoorbellTranslate
import Testing

@Suite struct DeadLetterListTests {
    private func letter(_ seq: UInt64, _ feature: String = "a") -> DeadLetter {
        DeadLetter(
            feature: feature, table: orders, position: Position(epoch: 1, tick: 1, seq: seq), reason: "r",
            committedAt: moment)
    }

    @Test("only the newest are kept, newest first, while counts go on")
    func bounded() {
        var list = DeadLetterList(capacity: 3)
        #expect(list.newest.isEmpty)
        for seq in 1...8 as ClosedRange<UInt64> {
            list.record(letter(seq, seq == 8 ? "b" : "a"))
            #expect(list.newest.map(\.position.seq) == (max(1, Int(seq) - 2)...Int(seq)).reversed().map(UInt64.init))
        }
        #expect(list.total == 8)
        #expect(list.counts == [.init(feature: "a", table: orders): 7, .init(feature: "b", table: orders): 1])
    }

    @Test("a dead letter says what happened where")
    func description() {
        #expect(letter(4).description == "a: a change of public.orders at 1.1-4: r")
    }
}
