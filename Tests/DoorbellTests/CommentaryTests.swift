import DoorbellCore
import Testing

@testable import Doorbell

@Suite struct CommentaryTests {
    final class Lines: Sendable {
        let all = Locked<[String]>([])
        @Sendable func add(_ line: String) { all.withLock { $0.append(line) } }
    }

    @Test("a bulk load is counted, not printed")
    func bulk() {
        let lines = Lines()
        let commentary = Commentary(print: lines.add)
        let start = Timestamp(microseconds: 1_000_000)
        for number in 0..<1000 { commentary.say("change \(number)", now: start) }
        commentary.say("later", now: start.advanced(by: .seconds(1)))
        let printed = lines.all.withLock { $0 }
        #expect(printed.count == Commentary.linesPerSecond + 2)
        #expect(printed[Commentary.linesPerSecond].hasSuffix("and 950 more changes"))
        #expect(printed.last == "00:00:02.000  later")
    }
}
