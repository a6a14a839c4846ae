/// How long the radio of a phone stays on after it sent or received something, and what that takes: an LTE phone as measured, and so an
/// estimate for any other.
///
/// After J. Huang, F. Qian, A. Gerber, Z. M. Mao, S. Sen, O. Spatscheck, "A Close Examination of Performance and Power Characteristics of 4G
/// LTE Networks", MobiSys 2012, tables 3 and 4 (DOI 10.1145/2307636.2307658). What makes polling dear on a phone is the tail: after each
/// transfer, however short, the radio listens for more for 11.6 seconds, so that a poll every few seconds keeps it on for ever.
///
/// Checked against a second source, the LTE profile of AT&T's Video Optimizer (`lte.conf` in github.com/attdevsupport/VideoOptimizer; three of the
/// authors were with AT&T): 0.26 s and 1.21 W of promotion, 1.06 W in the tail, 0.594 W for 43 ms of each 1.28 s while idle and 0 W in between. Its
/// tail is shorter, 0.1 + 0.02 + 10 seconds: a round setting of the network, where the paper measured 11.576 s. The paper's figure is the one
/// used here, and it stands on the paper alone.
public struct RadioModel: Sendable, Hashable {
    /// Seconds from idle to connected, before anything can be sent.
    public var promotion: Double
    /// Seconds that the radio stays connected after the last transfer.
    public var tail: Double
    /// Watts while it is being promoted.
    public var promotionPower: Double
    /// Watts in the tail; listening for one or two milliseconds (1.68 W) in each DRX cycle of 40 adds 1.5 to 3 % and is left out.
    public var tailPower: Double
    /// Watts while it is idle, on average: it listens for 43.2 ms of each 1,280.2 at 0.5943 W.
    public var idlePower: Double

    public init(promotion: Double, tail: Double, promotionPower: Double, tailPower: Double, idlePower: Double) {
        self.promotion = promotion
        self.tail = tail
        self.promotionPower = promotionPower
        self.tailPower = tailPower
        self.idlePower = idlePower
    }

    /// The measured one.
    public static let lte = RadioModel(
        promotion: 0.2601, tail: 11.576, promotionPower: 1.2107, tailPower: 1.06, idlePower: 0.5943 * 43.2 / 1280.2)

    /// Joules of a radio that was on for `onSeconds`, to which it was promoted `promotions` times, and idle for the rest of `seconds`.
    ///
    /// The transfers themselves are left out: a poll or a message of a kilobyte takes a millisecond.
    public func energy(onSeconds: Double, promotions: Double, of seconds: Double) -> Double {
        let promoting = min(onSeconds, promotions * promotion)
        return promoting * promotionPower + (onSeconds - promoting) * tailPower + max(0, seconds - onSeconds)
            * idlePower
    }
}
