/// What `/proc/<pid>/status` says of memory, in MiB; 0 where it says nothing. Pure.
struct ProcessStatus: Equatable {
    var resident = 0.0
    /// Heap and stacks, which are nobody else's.
    var ownMemory = 0.0
    /// Such as PostgreSQL's buffers.
    var sharedMemory = 0.0

    init(_ text: some StringProtocol) {
        for line in text.split(separator: "\n") {
            let words = line.split { $0 == " " || $0 == "\t" }
            guard words.count >= 2, let kibibytes = Double(words[1]) else { continue }
            switch words[0] {
            case "VmRSS:": resident = kibibytes / 1024
            case "RssAnon:": ownMemory = kibibytes / 1024
            case "RssShmem:": sharedMemory = kibibytes / 1024
            default: break
            }
        }
    }

    /// Of `/proc/<pid>/stat`: time on the processor of children that have ended and were waited for, in clock ticks.
    static func endedChildrenTicks(_ stat: some StringProtocol) -> Double? {
        // The program's name, in brackets, may contain anything.
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split { $0 == " " || $0 == "\n" }
        guard fields.count > 14, let user = Double(fields[13]), let system = Double(fields[14]) else { return nil }
        return user + system
    }
}
