/// Fetches a key set from its issuer. The seam between deciding when, which is ours, and HTTP.
protocol KeySetFetcher: Sendable {
    /// - Parameter limit: Bytes of the body; a longer one is an error.
    func fetch(_ url: String, timeout: Duration, limit: Int) async throws(KeyError) -> KeySetAnswer
}

struct KeySetAnswer: Sendable {
    let body: [UInt8]
    /// Every `Cache-Control` of the answer.
    let cacheControl: [String]
}
