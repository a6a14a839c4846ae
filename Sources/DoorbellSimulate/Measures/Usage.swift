/// What one process, or PostgreSQL with all of its processes, used in a phase.
public struct Usage: Sendable, Codable, Equatable {
    /// `legacy API`, `PostgreSQL`, `Doorbell`, `load generator`.
    public var name: String
    /// On the processor, in the measured time.
    public var cpuSeconds: Double
    /// Highest of the samples, MiB.
    public var peakMemory: Double
    /// MiB.
    public var meanMemory: Double
}

/// Memory of one process over time. Pure.
struct MemorySamples: Sendable {
    private var sum = 0.0
    private var count = 0
    private(set) var peak = 0.0

    /// - Parameter memory: MiB.
    mutating func add(_ memory: Double) {
        sum += memory
        count += 1
        peak = max(peak, memory)
    }

    var mean: Double { count == 0 ? 0 : sum / Double(count) }
}
