import DoorbellCore
import DoorbellWire
import Testing

@Suite struct MessageBatchTests {
    private func pong(_ id: String) -> EncodedMessage { ServerMessage.pong(id: id).encoded() }

    /// Which of the pongs the batch takes.
    private func offer(_ ids: String..., to batch: inout MessageBatch) -> [Bool] { ids.map { batch.append(pong($0)) } }

    @Test("nothing makes no batch, and one message stays what it is")
    func small() throws {
        var batch = MessageBatch()
        let nothing = batch.finish()
        #expect(nothing?.frame == nil)
        #expect(offer("1", to: &batch) == [true])
        let one = batch.finish()
        #expect(one?.frame == pong("1").frame)
        #expect(batch.isEmpty)
    }

    @Test("any number of messages become as few as there can be")
    func joined() {
        #expect(MessageBatch.join([]).isEmpty)
        #expect(MessageBatch.join([pong("1")]).map(\.type) == ["pong"])
        let many = MessageBatch.join((1...513).map { pong("\($0)") })
        #expect(many.map(\.type) == ["batch", "batch", "pong"])
        #expect(many.last?.frame == pong("513").frame)
    }

    @Test("a batch is full by number")
    func number() throws {
        var batch = MessageBatch(maximumMessages: 2)
        #expect(offer("1", "2", "3", to: &batch) == [true, true, false])
        #expect(batch.count == 2)
        let finished = batch.finish()
        let message = try #require(finished)
        #expect(
            try GoldenServerMessageTests.payload(message)
                == #"{"type":"batch","messages":[{"type":"pong","id":1},{"type":"pong","id":2}]}"#)
        #expect(offer("3", to: &batch) == [true])
        #expect(batch.count == 1)
    }

    @Test("a batch is full by size, and takes a larger message only alone")
    func size() throws {
        let one = pong("1").payload.count
        var batch = MessageBatch(maximumLength: 2 * one)
        #expect(offer("1", "2", "3", to: &batch) == [true, true, false])
        #expect(batch.length == 2 * one)
        _ = batch.finish()
        #expect(batch.length == 0)
        let large = String(repeating: "1", count: 3 * one)
        #expect(offer(large, "1", to: &batch) == [true, false])
        let alone = batch.finish()
        #expect(alone?.frame == pong(large).frame)
    }
}
