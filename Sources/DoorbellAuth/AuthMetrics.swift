import CoreMetrics

/// What authentication counts. Label values come from closed sets.
struct AuthMetrics: Sendable {
    /// Tokens that were accepted after a look at their signature.
    let verified: Counter
    /// Tokens that were accepted because they had been before.
    let remembered: Counter
    private let refused: [TokenError.Code: Counter]
    /// Loads of keys that brought new ones, or the same from a URL.
    let keysLoaded: Counter
    /// Loads of keys that failed; the last good ones are kept.
    let keysFailed: Counter
    /// Keys that tokens can be verified with now.
    let keys: Meter

    init(factory: any MetricsFactory) {
        func tokens(_ result: String) -> Counter {
            Counter(label: "doorbell_tokens_total", dimensions: [("result", result)], factory: factory)
        }
        verified = tokens("verified")
        remembered = tokens("remembered")
        refused = Dictionary(uniqueKeysWithValues: TokenError.Code.allCases.map { ($0, tokens($0.rawValue)) })
        keysLoaded = Counter(label: "doorbell_key_loads_total", dimensions: [("result", "loaded")], factory: factory)
        keysFailed = Counter(label: "doorbell_key_loads_total", dimensions: [("result", "failed")], factory: factory)
        keys = Meter(label: "doorbell_keys", factory: factory)
    }

    func refusal(_ code: TokenError.Code) { refused[code]?.increment() }
}
