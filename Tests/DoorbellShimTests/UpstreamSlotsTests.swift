import DoorbellServer
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import DoorbellShim

@Suite struct UpstreamSlotsTests {
    final class Log {
        var entries: [String] = []
    }

    @Test("places are given in the order of asking, cancelled ones are passed over, too many and too late are 503")
    func order() {
        let loop = EmbeddedEventLoop()
        let log = Log()
        let slots = UpstreamSlots(capacity: 1, maximumWaiting: 3, waitTimeout: .seconds(10))
        func ask(_ name: String) -> UpstreamSlots.Waiting? {
            slots.acquire(on: loop) {
                log.entries.append(name)
            } fail: {
                log.entries.append("\(name) \($0.status.code)")
            }
        }
        _ = ask("a")
        let b = ask("b")
        _ = ask("c")
        _ = ask("d")
        _ = ask("e")
        #expect(log.entries == ["a", "e 503"])
        b?.cancel()
        slots.release()
        #expect(log.entries == ["a", "e 503", "c"])
        loop.advanceTime(by: .seconds(10))
        #expect(log.entries == ["a", "e 503", "c", "d 503"])
        slots.release()
        #expect(slots.inUse == 0)
        _ = ask("f")
        #expect(log.entries.last == "f")
    }

    @Test("whoever gave up waiting, or waited too long, does not count among those that may wait, and is let go")
    func givenUp() {
        final class Caller {}
        let loop = EmbeddedEventLoop()
        let log = Log()
        let slots = UpstreamSlots(capacity: 1, maximumWaiting: 2, waitTimeout: .seconds(10))
        func ask(_ name: String, _ caller: Caller? = nil) -> UpstreamSlots.Waiting? {
            slots.acquire(on: loop) {
                _ = caller
                log.entries.append(name)
            } fail: {
                log.entries.append("\(name) \($0.status.code)")
            }
        }
        _ = ask("holder")
        var caller: Caller? = Caller()
        weak let gone = caller
        for _ in 0..<100 { ask("leaves", caller)?.cancel() }
        caller = nil
        #expect(gone == nil)
        _ = ask("b")
        _ = ask("c")
        _ = ask("d")
        #expect(log.entries == ["holder", "d 503"])
        loop.advanceTime(by: .seconds(10))
        #expect(log.entries == ["holder", "d 503", "b 503", "c 503"])
        let e = ask("e")
        _ = ask("f")
        e?.cancel()
        e?.cancel()
        _ = ask("g")
        _ = ask("h")
        slots.release()
        slots.release()
        #expect(log.entries.suffix(3) == ["h 503", "f", "g"])
    }
}
