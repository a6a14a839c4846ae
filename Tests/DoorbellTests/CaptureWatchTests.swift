import DoorbellCore
import Testing

@testable import Doorbell

@Suite struct CaptureWatchTests {
    private static func isSilent(_ status: CaptureStatus?) -> Bool {
        if case .down(let reason)? = status { reason.contains("said nothing") } else { false }
    }

    @Test("when nothing comes for more than five looks, the others are told once, and told again when something comes")
    func silence() {
        var watch = CaptureWatch()
        #expect(watch.says(.live(leader: true)) == .live(leader: true))
        for _ in 0..<CaptureWatch.patience {
            let told = watch.look()
            #expect(told == nil)
        }
        let down = watch.look()
        #expect(Self.isSilent(down) && !watch.status.isLive)
        let again = watch.look()
        #expect(again == nil)
        let back = watch.heard()
        #expect(back == .live(leader: true) && watch.status.isLive)
        let still = watch.heard()
        #expect(still == nil)
    }

    @Test("capture that is heard of in time is live for ever")
    func alive() {
        var watch = CaptureWatch()
        _ = watch.says(.live(leader: false))
        for turn in 0..<100 {
            let told = turn % CaptureWatch.patience == 0 ? watch.heard() : watch.look()
            #expect(told == nil)
        }
    }

    @Test("what capture says of itself is told as it is, and a capture that is not live is not watched")
    func said() {
        var watch = CaptureWatch()
        #expect(watch.says(.starting) == .starting)
        let down = CaptureStatus.down(reason: "gone")
        #expect(watch.says(down) == down)
        for _ in 0..<20 {
            let told = watch.look()
            #expect(told == nil)
        }
        #expect(watch.status == down)
    }
}
