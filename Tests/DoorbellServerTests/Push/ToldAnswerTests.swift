import DoorbellCore
import DoorbellWire
import Testing

@testable import DoorbellServer

@Suite struct ToldAnswerTests {
    private func at(_ seq: UInt64) -> Position { Position(epoch: 1, tick: 1, seq: seq) }

    private func answer(_ body: String, _ tag: String?) -> ServerMessage.Snapshot {
        ServerMessage.Snapshot(status: 200, etag: tag, answer: Array(body.utf8))
    }

    private func told(_ snapshot: ServerMessage.Snapshot? = nil, patches: Bool = false) throws -> ToldAnswer {
        ToldAnswer(
            channel: try #require(ChannelName("c")), position: at(1), snapshot: snapshot, wantsPatches: patches)
    }

    @Test("each answer follows the one before, and the same answer is told once")
    func chain() throws {
        var told = try told(answer("1", "\"a\""))
        #expect(told.next(answer("1", "W/\"a\""), asked: at(2)) == nil)
        let first = try unwrap(told.next(answer("2", "\"b\""), asked: at(3)))
        #expect(first.previous == at(1) && first.position == at(3) && first.content == .body(Array("2".utf8)))
        let second = try unwrap(told.next(answer("1", "\"a\""), asked: at(2)))
        #expect(second.previous == at(3) && second.position == at(3), "positions do not go back")
        #expect(told.next(answer("x", nil), asked: nil) != nil)
        #expect(told.next(answer("x", nil), asked: nil) != nil, "without a tag nothing is known")
    }

    @Test("a patch is made to what was told last, where that was asked for and is shorter")
    func patches() throws {
        let (old, new) = (
            #"{"id":1,"text":"a long enough text","n":1}"#, #"{"id":1,"text":"a long enough text","n":2}"#
        )
        var told = try told(answer(old, "\"a\""), patches: true)
        let patch = try unwrap(told.next(answer(new, "\"b\""), asked: at(2)))
        #expect(patch.content == .patch(Array(#"{"n":2}"#.utf8), base: "\"a\""))
        let back = try unwrap(told.next(answer(old, "\"a\""), asked: at(3)))
        #expect(back.content == .patch(Array(#"{"n":1}"#.utf8), base: "\"b\""))
        let list = try unwrap(told.next(answer("[1]", "\"c\""), asked: at(4)))
        #expect(list.content == .body(Array("[1]".utf8)))
        #expect(told.reset(at: at(5)) == at(5))
        #expect(told.next(answer("[1]", "\"c\""), asked: at(6))?.content == .body(Array("[1]".utf8)))
        var plain = try self.told(answer(old, "\"a\""))
        #expect(plain.next(answer(new, "\"b\""), asked: at(2))?.content == .body(Array(new.utf8)))
    }

    @Test("a long body is no base of a patch")
    func bounded() throws {
        let long = { (n: Int) in #"{"n":\#(n),"x":""# + String(repeating: "x", count: ToldAnswer.maximumBase) + #""}"# }
        var told = try told(answer(long(1), "\"a\""), patches: true)
        let next = try unwrap(told.next(answer(long(2), "\"b\""), asked: at(2)))
        #expect(next.content == .body(Array(long(2).utf8)))
    }
}
