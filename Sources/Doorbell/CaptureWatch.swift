import DoorbellCore

/// Whether capture still gets somewhere when it says that it is live. Pure.
///
/// A database that is frozen (a stopped process, storage that hangs, a paused machine) keeps its connections and says nothing, and a
/// statement that sorts a large transaction may rightly take as long: only that nothing comes tells. Looks are counted in the place of
/// time, so that a pause of this process is not taken for one of the database.
struct CaptureWatch {
    /// Looks, a second apart, in which nothing came. Capture that has nothing to do is heard of every second.
    static let patience = 5
    private static let silent = CaptureStatus.down(reason: "the database has said nothing for \(patience) s")

    /// What the others believe.
    private(set) var status = CaptureStatus.starting
    /// What capture says.
    private var said = CaptureStatus.starting
    private var looks = 0

    // Each returns what the others are told; `nil`: nothing new.

    mutating func says(_ new: CaptureStatus) -> CaptureStatus? {
        said = new
        looks = 0
        status = new
        return new
    }

    /// Something came from the database.
    mutating func heard() -> CaptureStatus? {
        looks = 0
        return tell(said)
    }

    /// To be called once a second.
    mutating func look() -> CaptureStatus? {
        guard said.isLive else { return nil }
        looks += 1
        return looks > Self.patience ? tell(Self.silent) : nil
    }

    private mutating func tell(_ new: CaptureStatus) -> CaptureStatus? {
        guard new != status else { return nil }
        status = new
        return new
    }
}
