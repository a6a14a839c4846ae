public import DoorbellRollout
import NIOCore

extension RadioSampler {
    /// Seconds of the clock that connections are watched by.
    public static var now: Double { Double(NIODeadline.now().uptimeNanoseconds) / 1e9 }
}
