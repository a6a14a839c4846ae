import NIOHTTP1

/// Who sent a request that may go on.
struct Visitor: Sendable {
    let standing: Session.Standing
    /// What the legacy API is asked with in the client's name.
    let headers: HTTPHeaders
}

extension HTTPHeaders {
    /// The legacy API is shown the token too: pages cannot set headers on a WebSocket, and have no other way to show it. An
    /// `Authorization` of another scheme is between the client and the legacy API, and stays.
    mutating func bear(_ token: String) {
        let own = first(name: "authorization")
        guard own.map({ $0.lowercased().hasPrefix("bearer ") }) ?? true else { return }
        replaceOrAdd(name: "authorization", value: "Bearer \(token)")
    }
}
