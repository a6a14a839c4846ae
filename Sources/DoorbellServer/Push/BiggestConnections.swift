/// The connections with the most bytes waiting, of however many are shown to it; among equals the oldest. Pure.
struct BiggestConnections {
    let limit: Int
    /// At most twice ``limit``.
    private var candidates: [ConnectionInfo] = []
    /// What is smaller is not among the biggest for certain.
    private var smallest = 0

    init(limit: Int) { self.limit = max(1, limit) }

    /// Whether one with so many bytes waiting may be among them.
    func wants(bytes: Int) -> Bool { bytes >= smallest }

    mutating func add(_ info: ConnectionInfo) {
        guard wants(bytes: info.bufferedBytes) else { return }
        candidates.append(info)
        guard candidates.count >= 2 * limit else { return }
        candidates = inOrder
        smallest = candidates.last?.bufferedBytes ?? 0
    }

    /// The biggest first.
    var inOrder: [ConnectionInfo] {
        Array(
            candidates.sorted { a, b in
                (b.bufferedBytes, b.seconds, a.id) < (a.bufferedBytes, a.seconds, b.id)
            }.prefix(limit))
    }
}
