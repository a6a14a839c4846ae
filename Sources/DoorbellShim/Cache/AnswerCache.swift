/// What is remembered of polls: bounded by bytes, what was not used for longest leaves first. Pure.
struct AnswerCache {
    enum Remembered {
        case answer(KeptAnswer)
        /// The legacy API's answer may not be kept: nobody waits for another's until then.
        case passes(until: ContinuousClock.Instant)
    }

    /// One place of the list that goes from the most to the least recently used. Places are used again.
    private struct Place {
        var key: CacheKey
        /// `nil`: the place is free.
        var value: Remembered?
        var cost: Int
        /// Index of the next more recently used one; -1: none.
        var newer: Int
        var older: Int
    }

    /// Bytes, about.
    private static let costOfPassing = 160

    private let capacity: Int
    private var places: [Place] = []
    private var free: [Int] = []
    private var index: [CacheKey: Int] = [:]
    private var newest = -1
    private var oldest = -1
    /// Bytes, about: at most `capacity`.
    private(set) var bytes = 0

    /// - Parameter capacity: Bytes.
    init(capacity: Int) { self.capacity = capacity }

    var count: Int { index.count }

    /// What is remembered for `key`, which counts as use.
    mutating func value(for key: CacheKey) -> Remembered? {
        guard let place = index[key] else { return nil }
        if place != newest {
            unlink(place)
            link(place)
        }
        return places[place].value
    }

    /// An answer that alone is larger than everything that may be kept is not kept.
    mutating func keep(_ value: Remembered, for key: CacheKey) {
        forget(key)
        let cost =
            switch value {
            case .answer(let answer): answer.cost
            case .passes: Self.costOfPassing
            }
        guard cost <= capacity else { return }
        while bytes + cost > capacity, oldest >= 0 { forget(places[oldest].key) }
        let place = Place(key: key, value: value, cost: cost, newer: -1, older: -1)
        let number: Int
        if let reused = free.popLast() {
            number = reused
            places[number] = place
        } else {
            number = places.count
            places.append(place)
        }
        index[key] = number
        bytes += cost
        link(number)
    }

    mutating func forget(_ key: CacheKey) {
        guard let place = index.removeValue(forKey: key) else { return }
        unlink(place)
        bytes -= places[place].cost
        places[place].value = nil
        free.append(place)
    }

    private mutating func link(_ place: Int) {
        places[place].older = newest
        places[place].newer = -1
        if newest >= 0 { places[newest].newer = place } else { oldest = place }
        newest = place
    }

    private mutating func unlink(_ place: Int) {
        let (newer, older) = (places[place].newer, places[place].older)
        if newer >= 0 { places[newer].older = older } else { newest = older }
        if older >= 0 { places[older].newer = newer } else { oldest = newer }
    }
}
