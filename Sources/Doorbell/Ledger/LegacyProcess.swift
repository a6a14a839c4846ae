import Foundation

/// Where the legacy API runs on this machine: a process with all that it started, or a control group. Linux.
struct LegacyProcess: Sendable {
    enum Place: Sendable, Equatable {
        case process(pid_t)
        /// Its number is read again each time, so that a restart is no trouble.
        case pidFile(String)
        /// A directory of cgroup version 2.
        case cgroup(String)
    }

    /// Counters of the operating system.
    struct Usage: Sendable, Equatable {
        /// Processor seconds, user and system, also of children that have ended and were waited for.
        var seconds: Double
        /// Bytes resident; of processes with what they share counted in each.
        var memory: UInt64?
        /// Tells one life of the process from the next.
        var life: String

        /// Processor seconds since an earlier look; `nil`: there was none.
        func seconds(since earlier: Usage?) -> Double? {
            guard let earlier else { return nil }
            // Where it began anew, all that it has used since. What nobody waited for is in no count any more.
            return earlier.life == life ? max(0, seconds - earlier.seconds) : seconds
        }
    }

    let place: Place

    /// Why there may be nothing.
    var trouble: String {
        switch place {
        case .process(let pid): "there is no process \(pid) (comparison.legacy.pid)"
        case .pidFile(let path): "\(path) does not name a running process (comparison.legacy.pid)"
        case .cgroup(let path): "\(path) has no cpu.stat (comparison.legacy.cgroup)"
        }
    }

    /// `nil`: it is not there.
    var usage: Usage? {
        switch place {
        case .process(let pid): Self.usage(of: pid)
        case .pidFile(let path):
            Self.text(path).flatMap { pid_t($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
                .flatMap { Self.usage(of: $0) }
        case .cgroup(let path): Self.usage(ofGroup: path)
        }
    }

    // MARK: Processes

    private static let ticks = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
    private static let page = UInt64(max(1, sysconf(Int32(_SC_PAGESIZE))))

    /// A process and its descendants: what workers used that have ended is in their parent's count.
    private static func usage(of root: pid_t) -> Usage? {
        guard root > 0, let first = stat(of: root) else { return nil }
        var children: [pid_t: [ProcessStat]] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            guard let pid = pid_t(name), let stat = stat(of: pid) else { continue }
            children[stat.parent, default: []].append(stat)
        }
        var usage = Usage(seconds: 0, memory: 0, life: "\(root) \(first.started)")
        var waiting = [first]
        var seen: Set<pid_t> = []
        while let next = waiting.popLast() {
            guard seen.insert(next.pid).inserted else { continue }
            usage.seconds += Double(next.ticks) / ticks
            usage.memory = (usage.memory ?? 0) &+ UInt64(max(0, next.residentPages)) &* page
            waiting += children[next.pid] ?? []
        }
        return usage
    }

    private static func stat(of pid: pid_t) -> ProcessStat? { text("/proc/\(pid)/stat").flatMap { ProcessStat($0) } }

    /// Bytes; `nil` where the system does not tell.
    static func residentBytes(of pid: pid_t) -> UInt64? {
        stat(of: pid).map { UInt64(max(0, $0.residentPages)) &* page }
    }

    // MARK: Control groups

    private static func usage(ofGroup path: String) -> Usage? {
        guard let lines = text(path + "/cpu.stat")?.split(separator: "\n"),
            let line = lines.first(where: { $0.hasPrefix("usage_usec ") }),
            let microseconds = Double(line.dropFirst("usage_usec ".count))
        else { return nil }
        let memory = text(path + "/memory.current").flatMap {
            UInt64($0.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        return Usage(seconds: microseconds / 1e6, memory: memory, life: path)
    }

    private static func text(_ path: String) -> String? {
        // Read at once: these files have no length.
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? file.close() }
        return (try? file.read(upToCount: 16 << 10)).flatMap { $0 }.map { String(decoding: $0, as: UTF8.self) }
    }
}

/// A line of `/proc/PID/stat` (proc(5)). Pure.
struct ProcessStat: Equatable {
    let pid: pid_t
    let parent: pid_t
    /// User and system time, of this process and of the children that it has waited for, in clock ticks.
    let ticks: UInt64
    /// Clock ticks after boot.
    let started: UInt64
    let residentPages: Int64

    init?(_ line: String) {
        // The name is in parentheses and may hold some itself, and spaces.
        guard let open = line.firstIndex(of: "("), let close = line.lastIndex(of: ")"),
            let pid = pid_t(line[..<open].filter { !$0.isWhitespace })
        else { return nil }
        let fields = line[line.index(after: close)...].split { $0 == " " || $0 == "\n" }
        func number(_ field: Int) -> Int64? { fields.indices.contains(field - 3) ? Int64(fields[field - 3]) : nil }
        guard let parent = number(4), let started = number(22), let pages = number(24) else { return nil }
        let times = (14...17).compactMap { number($0) }
        guard times.count == 4, times.allSatisfy({ $0 >= 0 }) else { return nil }
        self.pid = pid
        self.parent = pid_t(truncatingIfNeeded: parent)
        self.ticks = times.reduce(0) { $0 &+ UInt64($1) }
        self.started = UInt64(max(0, started))
        self.residentPages = pages
    }
}
