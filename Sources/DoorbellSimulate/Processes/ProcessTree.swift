import DoorbellTesting
import Foundation

/// A process with all that it has started, from `/proc`: PostgreSQL has a process for each connection. Zero where there is none.
struct ProcessTree: Sendable {
    private let root: Int32

    init(_ root: Int32) { self.root = root }

    /// Those that live, the root first.
    private var members: [Int32] {
        var found = [root]
        var next = 0
        while next < found.count {
            let process = found[next]
            next += 1
            let text = Self.read("/proc/\(process)/task/\(process)/children")
            found += text.split(separator: " ").compactMap { Int32($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
        }
        return found
    }

    /// On the processor until now, with those that have ended, in seconds.
    var processorSeconds: Double {
        members.reduce(0) { $0 + ProcessUsage($1).processorSeconds }
            + (ProcessStatus.endedChildrenTicks(Self.read("/proc/\(root)/stat")) ?? 0)
            / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// In MiB. What the processes of a tree share counts once: the most that one of them has touched of it.
    var memory: Double {
        let all = members.map { ProcessStatus(Self.read("/proc/\($0)/status")) }
        return all.count == 1
            ? all[0].resident : all.reduce(0) { $0 + $1.ownMemory } + (all.map(\.sharedMemory).max() ?? 0)
    }

    private static func read(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
}
