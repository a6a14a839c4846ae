/// The keys that tokens are verified with.
struct KeySet: Sendable {
    let keys: [VerificationKey]
    /// Entries of the set that were left out: for encryption, of an unknown kind, broken.
    var skipped = 0

    /// Each costs a signature for a token that names none.
    private static let maximumCandidates = 16

    /// The keys that a token may be by: those it names, those without a name when it names an unknown one, and all when it names
    /// none.
    func candidates(for algorithm: TokenAlgorithm, id: String?) -> [VerificationKey] {
        let fitting = keys.filter { $0.algorithms.contains(algorithm) }
        guard let id else { return Array(fitting.prefix(Self.maximumCandidates)) }
        let named = fitting.filter { $0.id.map { $0.utf8.elementsEqual(id.utf8) } ?? false }
        return Array((named.isEmpty ? fitting.filter { $0.id == nil } : named).prefix(Self.maximumCandidates))
    }
}

/// Why a key or a set of keys cannot be used: a sentence without anything secret.
struct KeyError: Error, Hashable, Sendable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
