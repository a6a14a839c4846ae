import Foundation

/// Time on the processor and memory of one process, from `/proc`. Zero where there is none.
public struct ProcessUsage: Sendable {
    private let folder: String

    public init(_ process: Int32) { self.folder = "/proc/\(process)" }

    /// On the processor until now, in seconds. By thread in nanoseconds: the ticks of `stat` are 10 ms. Threads that have ended
    /// do not count.
    public var processorSeconds: Double {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: folder + "/task")) ?? []
        return threads.reduce(0) { sum, thread in
            let text = (try? String(contentsOfFile: "\(folder)/task/\(thread)/schedstat", encoding: .utf8)) ?? ""
            return sum + (text.split(separator: " ").first.flatMap { Double($0) } ?? 0) / 1e9
        }
    }

    /// In MiB.
    public var residentMemory: Double { status("VmRSS:") }
    /// In MiB, since the process began or ``resetPeak()``.
    public var peakMemory: Double { status("VmHWM:") }

    public func resetPeak() { try? "5".write(toFile: folder + "/clear_refs", atomically: false, encoding: .utf8) }

    private func status(_ name: String) -> Double {
        let text = (try? String(contentsOfFile: folder + "/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
        return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) } ?? 0) / 1024
    }
}
