#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// From values to places on a picture. Never traps and never answers with anything but a finite place, whatever it is asked.
public struct Scale: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// From zero, or from what is below it.
        case linear
        /// Whole powers of ten; what is not above zero lies at the low end.
        case logarithmic
        /// Seconds since 1970, exactly as far as the values reach.
        case time
    }

    public let kind: Kind
    /// The values at the two ends; `low` is less than `high`.
    public let low: Double
    public let high: Double
    /// Where to write a value, from low to high.
    public let ticks: [Double]
    /// Between two ticks, but for ``Kind/logarithmic``.
    let step: Double
    private let from: Double
    private let to: Double

    /// - Parameters:
    ///   - values: All that is to be shown; what is no finite number is not looked at.
    ///   - from: The place of the low end.
    ///   - to: The place of the high end.
    public init(_ kind: Kind, covering values: [Double], from: Double, to: Double) {
        self.kind = kind
        self.from = from
        self.to = to
        let finite = values.filter(\.isFinite).map { min(max($0, -1e250), 1e250) }
        switch kind {
        case .linear:
            let least = min(0, finite.min() ?? 0)
            let most = max(0, finite.max() ?? 0)
            step = Self.niceStep(most == least ? 1 : most - least, atMost: 5)
            low = (least / step).rounded(.down) * step
            high = max((most / step).rounded(.up) * step, low + step)
            ticks = Self.steps(from: low, to: high, by: step)
        case .logarithmic:
            let positive = finite.filter { $0 > 0 }.map { min(max($0, 1e-9), 1e15) }
            let least = log10(positive.min() ?? 0.001).rounded(.down)
            let most = max(log10(positive.max() ?? 1).rounded(.up), least + 1)
            low = pow(10, least)
            high = pow(10, most)
            step = 0
            // At most eight of them.
            let stride = max(1, ((most - least) / 8).rounded(.up))
            ticks = Self.steps(from: least, to: most, by: stride).map { pow(10, $0) }
        case .time:
            let least = min(max(finite.min() ?? 0, -6e10), 2.4e11)
            let most = min(max(finite.max() ?? 0, -6e10), 2.4e11)
            low = least
            high = max(most, least + 1)
            let lengths: [Double] = [
                1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
                604_800, 2_592_000,
                31_536_000,
            ]
            let wanted = (high - low) / 8
            step = lengths.first { $0 >= wanted } ?? Self.niceStep(high - low, atMost: 8)
            ticks = Self.steps(from: (low / step).rounded(.up) * step, to: high, by: step)
        }
    }

    /// The place of a value; what lies outside is at the nearer end, and what is no number at the low one.
    public func place(_ value: Double) -> Double {
        guard !value.isNaN else { return from }
        let share: Double
        switch kind {
        case .linear, .time:
            share = (min(max(value, low), high) - low) / (high - low)
        case .logarithmic:
            let bounded = min(max(value, low), high)
            share = (log10(bounded) - log10(low)) / (log10(high) - log10(low))
        }
        return from + min(max(share.isFinite ? share : 0, 0), 1) * (to - from)
    }

    /// 1, 2 or 5 times a power of ten, so that no more steps than `atMost` are needed.
    private static func niceStep(_ length: Double, atMost count: Double) -> Double {
        let raw = max(length / count, 1e-300)
        let power = pow(10, log10(raw).rounded(.down))
        return [1, 2, 5, 10].map { $0 * power }.first { $0 >= raw * 0.999_999 } ?? power * 10
    }

    private static func steps(from first: Double, to last: Double, by step: Double) -> [Double] {
        var result: [Double] = []
        // Multiplied and not added up, so that 0.1 stays 0.1; bounded, whatever the numbers are.
        for index in 0..<16 {
            let value = ((first / step).rounded() + Double(index)) * step
            guard value <= last + step * 1e-6 else { break }
            result.append(value)
        }
        return result
    }
}
