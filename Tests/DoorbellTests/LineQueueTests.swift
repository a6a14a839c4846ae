import Dispatch
import DoorbellCore
import Testing

@testable import Doorbell

@Suite struct LineQueueTests {
    @Test func `lines that nobody reads are dropped, which is said once when somebody reads again`() async {
        let written = Locked<[String]>([])
        let (lines, line) = AsyncStream.makeStream(of: String.self)
        // A pipe that is full until it is read.
        let reader = DispatchSemaphore(value: 0)
        let isRead = Locked(false)
        let queue = LineQueue { text in
            if !isRead.withLock({ $0 }) { reader.wait() }
            written.withLock { $0.append(text) }
            line.yield(text)
        }
        for number in 0..<1000 { queue.add("line \(number)") }
        #expect(written.withLock { $0 }.isEmpty, "and whoever adds does not wait")
        isRead.withLock { $0 = true }
        reader.signal()
        var read: [String] = []
        for await text in lines {
            read.append(text)
            if text.contains("nobody") { break }
        }
        #expect(read.dropLast() == (0..<LineQueue.capacity).map { "line \($0)" }[...])
        #expect(read.last == "          … and \(1000 - LineQueue.capacity) lines while nobody read")
        queue.add("again")
        for await text in lines {
            #expect(text == "again")
            break
        }
    }
}
