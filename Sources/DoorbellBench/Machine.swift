import DoorbellTesting
import Foundation

/// What the figures were measured on.
enum Machine {
    static var description: String {
        let processors = ProcessInfo.processInfo.activeProcessorCount
        let flush = flushMilliseconds.map { String(format: "%.2f ms", $0) } ?? "unknown"
        return "\(processors) processors, load \(load), a flush of 8 KiB takes \(flush)"
    }

    private static var load: String {
        var average = 0.0
        return getloadavg(&average, 1) == 1 ? String(format: "%.1f", average) : "unknown"
    }

    /// Median of 50.
    private static var flushMilliseconds: Double? {
        let path = NSTemporaryDirectory() + "doorbell-bench-flush-\(getpid())"
        let file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
        guard file >= 0 else { return nil }
        defer {
            close(file)
            unlink(path)
        }
        let block = [UInt8](repeating: 1, count: 8192)
        let times = (0..<50).map { index in
            let start = Moment.now
            pwrite(file, block, block.count, off_t(index * block.count))
            fsync(file)
            return Moment.seconds(since: start) * 1000
        }
        return Sample(times).median
    }
}
