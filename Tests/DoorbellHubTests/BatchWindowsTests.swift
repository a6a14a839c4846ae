import DoorbellCore
import Testing

@testable import DoorbellHub

@Suite struct BatchWindowsTests {
    let orders = feature("orders", batch: .milliseconds(50))
    let rooms = feature("rooms", template: "room:{id}", batch: .milliseconds(70))

    func message(
        _ seq: UInt64, on name: String = "order:1", of feature: Feature? = nil, _ content: Publication.Content = .signal
    ) -> Publication {
        Publication(
            feature: feature ?? orders, channel: channel(name), position: at(seq), previous: nil,
            committedAt: second(1), content: content)
    }

    func seqs(_ due: [[Publication]]) -> [[UInt64]] {
        due.map { $0.map(\.position.seq) }.sorted { $0[0] < $1[0] }
    }

    @Test(
        "a window opens with the first message of a feature and closes for all of its channels, and for no other feature"
    )
    func window() throws {
        var windows = BatchWindows(maximumLength: .max)
        let opened = try #require(windows.hold(message(1)).opened)
        #expect(windows.hold(message(2, on: "order:2")).opened == nil)
        let other = try #require(windows.hold(message(3, on: "room:1", of: rooms)).opened)
        #expect(windows.hold(message(4)).opened == nil)
        #expect(windows.open == [opened, other] && windows.count == 4)
        #expect(seqs(windows.close(opened)) == [[1, 4], [2]])
        #expect(!windows.holds(channel("order:1")) && windows.holds(channel("room:1")) && windows.count == 1)
        #expect(windows.close(opened).isEmpty, "it is closed already")
        let next = try #require(windows.hold(message(5)).opened)
        #expect(next != opened)
        #expect(windows.close(opened).isEmpty, "an old timer does not close a new window")
        #expect(seqs(windows.close(next)) == [[5]])
        #expect(seqs(windows.close(other)) == [[3]] && windows.count == 0 && windows.open.isEmpty)
    }

    @Test("a whole batch leaves at once, by number or by length, and the others of the window wait on")
    func full() {
        var windows = BatchWindows(maximumLength: .max)
        _ = windows.hold(message(1, on: "order:2"))
        for seq in 2...UInt64(BatchWindows.maximumMessages) { #expect(windows.hold(message(seq)).due.isEmpty) }
        let last = UInt64(BatchWindows.maximumMessages + 1)
        #expect(seqs(windows.hold(message(last)).due) == [Array(2...last)])
        #expect(windows.holds(channel("order:2")) && windows.count == 1)

        var short = BatchWindows(maximumLength: 1000)
        let long = Publication.Rendition(
            version: .first, key: nil, data: [UInt8](repeating: 0x31, count: 700), changed: nil)
        #expect(short.hold(message(1)).due.isEmpty)
        #expect(seqs(short.hold(message(2, .change(.insert, [long]))).due) == [[1, 2]])
    }

    @Test("a reset waits for nobody, and what was held before it goes first")
    func reset() {
        var windows = BatchWindows(maximumLength: .max)
        _ = windows.hold(message(1))
        _ = windows.hold(message(2, on: "order:2"))
        #expect(seqs(windows.hold(message(3, .reset(reason: "x"))).due) == [[1, 3]])
        #expect(windows.count == 1)
    }

    @Test("with more messages than may be held in all, everything is told")
    func bounded() {
        var windows = BatchWindows(maximumLength: .max)
        for seq in 1...UInt64(BatchWindows.maximumHeld) {
            #expect(windows.hold(message(seq, on: "order:\(seq / 100)")).due.isEmpty)
        }
        let held = windows.hold(message(UInt64(BatchWindows.maximumHeld) + 1, on: "room:1", of: rooms))
        #expect(held.opened == nil)
        #expect(held.due.reduce(0) { $0 + $1.count } == BatchWindows.maximumHeld + 1)
        #expect(windows.count == 0 && windows.open.isEmpty)
    }
}
