/// Measured values in order.
struct Sample {
    private let sorted: [Double]

    init(_ values: [Double]) { self.sorted = values.sorted() }

    var count: Int { sorted.count }
    /// Between the two in the middle when there is no single one.
    var median: Double { (quantile(0.5) + fromTheTop(0.5)) / 2 }
    var max: Double { sorted.last ?? .nan }

    /// Nearest rank; not a number when there are no values.
    func quantile(_ share: Double) -> Double {
        guard let last = sorted.indices.last else { return .nan }
        return sorted[min(last, Int((Double(sorted.count) * share).rounded(.down)))]
    }

    /// The same rank from the other end.
    private func fromTheTop(_ share: Double) -> Double {
        guard !sorted.isEmpty else { return .nan }
        return sorted[Swift.max(0, sorted.count - 1 - Int(Double(sorted.count) * share))]
    }

    /// Half the distance between the quartiles, as a share of the median: how noisy the machine was.
    var noise: Double { (quantile(0.75) - quantile(0.25)) / 2 / median }
}
