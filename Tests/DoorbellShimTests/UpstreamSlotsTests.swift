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

    @Test("requests whose bodies have not ended have half of the places, and get one of the others when they end")
    func openRequests() {
        let loop = EmbeddedEventLoop()
        let log = Log()
        let slots = UpstreamSlots(capacity: 4, maximumWaiting: 3, waitTimeout: .seconds(10))
        func ask(_ name: String, isOpen: Bool) -> UpstreamSlots.Waiting? {
            slots.acquire(isOpen: isOpen, on: loop) {
                log.entries.append(name)
            } fail: {
                log.entries.append("\(name) \($0.status.code)")
            }
        }
        _ = ask("a", isOpen: true)
        _ = ask("b", isOpen: true)
        let c = ask("c", isOpen: true)
        _ = ask("d", isOpen: true)
        let e = ask("e", isOpen: true)
        _ = ask("f", isOpen: true)
        #expect(log.entries == ["a", "b", "f 503"])
        _ = ask("g", isOpen: false)
        #expect(log.entries.last == "g")
        // Its body has ended, so one of the other places is for it.
        c?.bodyEnded()
        #expect(log.entries.last == "c")
        _ = ask("h", isOpen: false)
        e?.bodyEnded()
        #expect(slots.inUse == 4 && slots.openInUse == 2)
        #expect(log.entries == ["a", "b", "f 503", "g", "c"])
        // The body of `a` ends, but there is no place; then `b` is over.
        slots.bodyEnded()
        #expect(log.entries.count == 5)
        slots.release(isOpen: true)
        #expect(log.entries.suffix(1) == ["h"])
        slots.release()
        #expect(log.entries.suffix(1) == ["e"])
        slots.release()
        #expect(log.entries.suffix(1) == ["d"])
        #expect(slots.openInUse == 1)
        e?.bodyEnded()
        e?.cancel()
        for _ in 0..<3 { slots.release() }
        slots.release(isOpen: true)
        #expect(slots.inUse == 0 && slots.openInUse == 0)
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
