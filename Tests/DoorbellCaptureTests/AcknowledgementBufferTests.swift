import DoorbellCore
import DoorbellTestSupport
import Testing

@testable import DoorbellCapture

@Suite("Acknowledgement buffer") struct AcknowledgementBufferTests {
    private func key(_ number: Int) throws -> CursorKey {
        CursorKey(identity: "i", client: "c\(number)", channel: try #require(ChannelName("inbox")))
    }

    private func position(_ seq: UInt64) -> Position { Position(epoch: 1, tick: 1, seq: seq) }

    @Test("of many acknowledgements of one cursor the newest is written, in whatever order they come") func newest()
        throws
    {
        var buffer = AcknowledgementBuffer(capacity: 10)
        for seq in [3, 9, 4] as [UInt64] { #expect(buffer.add(position(seq), to: try key(1)) == true) }
        #expect(buffer.take(10) == [try key(1): position(9)])
        #expect(!buffer.hasPending)
    }

    @Test("what could not be written waits again, unless something newer came meanwhile") func failed() throws {
        var buffer = AcknowledgementBuffer(capacity: 10)
        _ = buffer.add(position(5), to: try key(1))
        _ = buffer.add(position(5), to: try key(2))
        _ = buffer.take(10)
        _ = buffer.add(position(7), to: try key(2))
        #expect(buffer.newest(of: try key(1)) == position(5))
        #expect(buffer.newest(of: try key(2)) == position(7))
        buffer.settle(written: false)
        #expect(buffer.take(10) == [try key(1): position(5), try key(2): position(7)])
        buffer.settle(written: true)
        #expect(buffer.newest(of: try key(1)) == nil)
    }

    @Test("when it is full, a cursor more is dropped, and those that are there still move") func full() throws {
        var buffer = AcknowledgementBuffer(capacity: 2)
        #expect(buffer.add(position(1), to: try key(1)) == true)
        #expect(buffer.add(position(1), to: try key(2)) == true)
        #expect(buffer.add(position(1), to: try key(3)) == false)
        #expect(buffer.add(position(2), to: try key(1)) == true)
        _ = buffer.take(1)
        #expect(buffer.add(position(1), to: try key(3)) == false, "what is being written counts: it may come back")
        buffer.settle(written: true)
        #expect(buffer.add(position(1), to: try key(3)) == true)
    }

    @Test(
        "whatever fails and whenever, a database that takes the greatest never loses or moves back an acknowledgement")
    func random() throws {
        var random = SplitMix(state: 7)
        for _ in 0..<200 {
            var buffer = AcknowledgementBuffer(capacity: 100)
            var acknowledged: [CursorKey: Position] = [:]
            var database: [CursorKey: Position] = [:]
            for seq in 1...UInt64(60) {
                let key = try key(Int.random(in: 0..<8, using: &random))
                // A client may repeat itself.
                let position = position(UInt64.random(in: 1...seq, using: &random))
                #expect(buffer.add(position, to: key) == true)
                acknowledged[key] = max(acknowledged[key] ?? position, position)
                guard Int.random(in: 0..<4, using: &random) == 0 else { continue }
                let taken = buffer.take(Int.random(in: 1...8, using: &random))
                let isWritten = Bool.random(using: &random)
                if isWritten { database.merge(taken) { max($0, $1) } }
                // The answer may get lost although it was written.
                buffer.settle(written: isWritten && Bool.random(using: &random))
            }
            while buffer.hasPending {
                database.merge(buffer.take(3)) { max($0, $1) }
                buffer.settle(written: true)
            }
            #expect(database == acknowledged)
        }
    }
}
