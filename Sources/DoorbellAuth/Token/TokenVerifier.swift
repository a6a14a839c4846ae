import CoreMetrics
public import DoorbellCore
import Logging
public import NIOCore

/// Says who a token belongs to.
///
/// CPU of a verification, measured on one core with a token of 400 bytes: HS256 9 µs, RS256 32, ES256 76, EdDSA 86; and less than
/// 1 for a token that is remembered. So it is done at once, on the caller's event loop. Only a token whose key is not known yet
/// waits, for one fetch of the issuer's key set.
///
/// Keys are loaded by ``run()``, which has to be running for files and URLs to be looked at again.
public final class TokenVerifier: Sendable {
    /// What a look at a token says.
    public enum Check: Sendable {
        case verified(Identity)
        case refused(TokenError)
        /// No key fits, and a load of new ones is on its way: ask ``TokenVerifier/verify(_:now:on:)``, or again later.
        case waitsForKeys(TokenError)
    }

    /// Tokens that wait for keys at the same time; one more is refused with ``TokenError/Code/keysUnavailable``.
    static let maximumWaiting = 1000

    struct State {
        var keys: KeySet?
        var stamp: FileStamp?
        var cache: VerifiedTokens
        var plan: KeyRefreshPlan
        /// Completed when the load that is on its way has ended, or its deadline has passed.
        var waiting: [EventLoopPromise<Void>] = []
        /// The last failure that was logged, so that an issuer that is down is not told of every few seconds.
        var trouble: KeyError?
    }

    let configuration: TokenConfiguration
    let loader: KeyLoader
    let state: Locked<State>
    let metrics: AuthMetrics
    let logger: Logger
    let now: @Sendable () -> Timestamp
    /// Wakes ``run()``. Holds one wish: a second one would be for the same load.
    let wishes = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    private let reader: TokenClaimsReader
    private let accepted: Set<TokenAlgorithm>

    /// Loads keys from a secret or a file at once; a URL is left to ``run()``.
    ///
    /// - Parameter fetcher: Needed for ``TokenConfiguration/KeySource/jwksURL(_:)`` only.
    init(
        _ configuration: TokenConfiguration, fetcher: (any KeySetFetcher)?, logger: Logger,
        metrics factory: any MetricsFactory, now: @escaping @Sendable () -> Timestamp
    ) throws(DoorbellError) {
        if let problem = configuration.problem { throw DoorbellError(.configuration, problem) }
        accepted = configuration.acceptedAlgorithms
        loader = KeyLoader(source: configuration.keys, accepted: accepted, fetcher: fetcher)
        var state = State(
            cache: VerifiedTokens(maximumCount: configuration.cacheSize, maximumBytes: configuration.cacheBytes),
            plan: Self.plan(configuration.keys))
        let metrics = AuthMetrics(factory: factory)
        do throws(KeyError) {
            if case .keys(let keys, let stamp, _)? = try loader.loadNow(knowing: nil) {
                state.keys = keys
                state.stamp = stamp
                state.plan.loaded(age: nil, now: now())
                metrics.keys.set(keys.keys.count)
            } else if fetcher == nil {
                throw KeyError("a key set behind a URL needs an HTTP client")
            }
        } catch {
            throw DoorbellError(.configuration, "the keys for tokens cannot be loaded: \(error)")
        }
        self.configuration = configuration
        self.state = Locked(state)
        self.metrics = metrics
        self.logger = logger
        self.now = now
        reader = TokenClaimsReader(configuration: configuration)
    }

    /// Files are looked at every ten seconds, and at once (but not more than each second) for an unknown key.
    private static func plan(_ source: TokenConfiguration.KeySource) -> KeyRefreshPlan {
        switch source {
        case .jwksURL(let url):
            KeyRefreshPlan(
                ages: url.minimumAge...url.maximumAge, defaultAge: url.defaultAge,
                unknownKeyInterval: url.unknownKeyInterval)
        case .secret, .pemFile, .jwksFile:
            KeyRefreshPlan(
                ages: .seconds(10) ... .seconds(10), defaultAge: .seconds(10), unknownKeyInterval: .seconds(1),
                lastRetry: .seconds(10))
        }
    }

    // MARK: Verifying

    /// Looks at a token at once. May be called from any thread; see the type for the cost.
    public func check(_ token: String, now: Timestamp) -> Check {
        // Not copied when it is too long to be looked at.
        guard token.utf8.count <= configuration.maximumTokenSize else {
            return refuse(
                TokenError(.tooLong, "the token is longer than \(configuration.maximumTokenSize) bytes"))
        }
        let bytes = Array(token.utf8)
        let digest = VerifiedTokens.digest(of: bytes)
        let (known, keys) = state.withLock { ($0.cache.find(digest, now: now), $0.keys) }
        if let known {
            metrics.remembered.increment()
            return .verified(known)
        }
        do throws(TokenError) {
            let identity = try verify(CompactToken(bytes), keys, now: now)
            state.withLock { $0.cache.insert(identity, digest, now: now) }
            metrics.verified.increment()
            return .verified(identity)
        } catch {
            switch error.code {
            case .unknownKey, .keysUnavailable: return unknownKey(error, now: now)
            default: return refuse(error)
            }
        }
    }

    /// As ``check(_:now:)``, and waits for keys where a load of them is on its way, no longer than it may take.
    ///
    /// - Returns: On `loop`. Fails with ``TokenError``.
    public func verify(_ token: String, now: Timestamp, on loop: any EventLoop) -> EventLoopFuture<Identity> {
        switch check(token, now: now) {
        case .verified(let identity): return loop.makeSucceededFuture(identity)
        case .refused(let error): return loop.makeFailedFuture(error)
        case .waitsForKeys(let error):
            guard let loaded = nextKeys(on: loop) else {
                return loop.makeFailedFuture(TokenError(.keysUnavailable, "too many tokens wait for keys"))
            }
            return loaded.flatMapThrowing {
                switch self.check(token, now: now) {
                case .verified(let identity): return identity
                case .refused(let error): throw error
                case .waitsForKeys:
                    // The load took too long, or another has begun.
                    self.metrics.refusal(error.code)
                    throw error
                }
            }
        }
    }

    private func verify(_ token: CompactToken, _ keys: KeySet?, now: Timestamp) throws(TokenError) -> Identity {
        guard let algorithm = token.algorithm, accepted.contains(algorithm) else {
            throw TokenError(.algorithm, "the token is signed with an algorithm that is not accepted here")
        }
        guard let keys else { throw TokenError(.keysUnavailable, "the keys for tokens have not been loaded yet") }
        let candidates = keys.candidates(for: algorithm, id: token.keyID)
        guard !candidates.isEmpty else {
            throw TokenError(.unknownKey, "the token is signed with a key that is not known here")
        }
        guard candidates.contains(where: { $0.verifies(token.signature, of: token.signed, with: algorithm) }) else {
            throw TokenError(.signature, "the token's signature is wrong")
        }
        return try reader.identity(token.payload, now: now)
    }

    private func refuse(_ error: TokenError) -> Check {
        metrics.refusal(error.code)
        return .refused(error)
    }

    private func unknownKey(_ error: TokenError, now: Timestamp) -> Check {
        let (starts, loads) = state.withLock { state in
            let starts = state.plan.metUnknownKey(now: now)
            return (starts, state.plan.isLoading)
        }
        if starts { wishes.continuation.yield() }
        return loads ? .waitsForKeys(error) : refuse(error)
    }

    private var patience: TimeAmount {
        if case .jwksURL(let source) = configuration.keys { return TimeAmount(source.timeout) + .seconds(1) }
        return .seconds(5)
    }

    /// Completes when the load that is on its way has ended or takes too long; `nil` when too many wait.
    private func nextKeys(on loop: any EventLoop) -> EventLoopFuture<Void>? {
        let promise = loop.makePromise(of: Void.self)
        let added: Bool? = state.withLock { state in
            guard state.plan.isLoading else { return false }
            guard state.waiting.count < Self.maximumWaiting else { return nil }
            state.waiting.append(promise)
            return true
        }
        switch added {
        case true?:
            // Completed a second time when the load ends after all, which changes nothing.
            let deadline = loop.scheduleTask(in: patience) { promise.succeed() }
            promise.futureResult.whenComplete { _ in deadline.cancel() }
            return promise.futureResult
        case false?:
            promise.succeed()
            return promise.futureResult
        case nil:
            promise.succeed()
            return nil
        }
    }
}
