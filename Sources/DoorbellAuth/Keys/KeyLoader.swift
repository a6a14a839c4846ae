import Crypto

/// Reads keys from where the configuration says. One call at a time.
struct KeyLoader: Sendable {
    let source: TokenConfiguration.KeySource
    let accepted: Set<TokenAlgorithm>
    /// Needed for ``TokenConfiguration/KeySource/jwksURL(_:)``.
    let fetcher: (any KeySetFetcher)?

    /// Bytes of a key file or an answer.
    static let maximumSize = 1 << 20

    enum Loaded: Sendable {
        /// The file is the one that was read before.
        case unchanged
        /// - Parameters:
        ///   - stamp: The state of the file that was read; `nil` without a file.
        ///   - age: How long the issuer says that the set may be kept.
        case keys(KeySet, stamp: FileStamp?, age: Duration?)
    }

    /// What can be had without waiting for anybody: everything but a URL's answer. Blocks for a small file.
    ///
    /// - Parameter stamp: The file's state when it was read last.
    /// - Returns: `nil` for a URL.
    func loadNow(knowing stamp: FileStamp?) throws(KeyError) -> Loaded? {
        switch source {
        case .secret(let secret):
            let key = VerificationKey(.secret(SymmetricKey(data: secret.bytes)))
            return .keys(try usable(KeySet(keys: [key])), stamp: nil, age: nil)
        case .pemFile(let path):
            return try file(path, stamp) { (bytes) throws(KeyError) in try KeySet(pem: bytes) }
        case .jwksFile(let path):
            return try file(path, stamp) { (bytes) throws(KeyError) in
                try KeySet(jwks: bytes, allowsSecrets: accepted.contains(where: \.isSymmetric))
            }
        case .jwksURL:
            return nil
        }
    }

    /// As ``loadNow(knowing:)``, and a URL is fetched.
    func load(knowing stamp: FileStamp?) async throws(KeyError) -> Loaded {
        // A secret stands in the configuration, which is read once.
        if case .secret = source { return .unchanged }
        if let loaded = try loadNow(knowing: stamp) { return loaded }
        guard case .jwksURL(let source) = source, let fetcher else { throw KeyError("nothing can fetch the key set") }
        let answer = try await fetcher.fetch(source.url, timeout: source.timeout, limit: Self.maximumSize)
        let keys = try usable(KeySet(jwks: answer.body, allowsSecrets: false))
        return .keys(keys, stamp: nil, age: CacheControl.age(answer.cacheControl))
    }

    private func file(
        _ path: String, _ known: FileStamp?, _ parse: ([UInt8]) throws(KeyError) -> KeySet
    ) throws(KeyError) -> Loaded {
        // Before the file is read: a change while it is read is seen next time.
        let stamp = FileStamp(of: path)
        if let stamp, stamp == known { return .unchanged }
        let bytes = try FileStamp.read(path, limit: Self.maximumSize)
        do throws(KeyError) {
            return .keys(try usable(parse(bytes)), stamp: stamp, age: nil)
        } catch {
            throw KeyError("'\(path)': \(error)")
        }
    }

    /// A set that fits no token is no better than none.
    private func usable(_ keys: KeySet) throws(KeyError) -> KeySet {
        guard keys.keys.contains(where: { !$0.algorithms.isDisjoint(with: accepted) }) else {
            throw KeyError("no key is for any of the accepted algorithms")
        }
        return keys
    }
}
