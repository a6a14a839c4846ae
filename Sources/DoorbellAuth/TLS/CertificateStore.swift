public import CoreMetrics
public import DoorbellCore
public import Logging
import NIOCore
public import NIOSSL

/// The server's TLS context, made again when its files change. A new pair of files that does not work leaves the old one in use
/// and says so.
///
/// Connections keep the context that they began with; take ``context`` for each new one.
public final class CertificateStore: Sendable {
    /// What a look at the files brought.
    public enum Outcome: Sendable, Equatable {
        case unchanged
        case reloaded
        /// The files cannot be used; what was there before is still in use. A sentence without anything secret.
        case failed(String)
    }

    private struct Stamps: Hashable {
        let chain: FileStamp?
        let key: FileStamp?
    }

    private struct State {
        var context: NIOSSLContext
        var expiresAt: Timestamp
        var stamps: Stamps
        /// Of the last failure that was logged, so that a broken file is told of once.
        var trouble: String?
    }

    private let configuration: CertificateConfiguration
    private let state: Locked<State>
    private let logger: Logger
    private let reloaded: Counter
    private let failed: Counter

    private static let maximumSize = 1 << 20

    /// - Throws: ``DoorbellError`` of the code `configuration` when the files cannot be used.
    public init(
        _ configuration: CertificateConfiguration, logger: Logger, metrics: any MetricsFactory = MetricsSystem.factory
    ) throws(DoorbellError) {
        if let problem = configuration.problem { throw DoorbellError(.configuration, problem) }
        self.configuration = configuration
        self.logger = logger
        reloaded = Counter(
            label: "doorbell_certificate_loads_total", dimensions: [("result", "loaded")], factory: metrics)
        failed = Counter(
            label: "doorbell_certificate_loads_total", dimensions: [("result", "failed")], factory: metrics)
        do throws(KeyError) {
            let stamps = Self.stamps(configuration)
            let (context, expiresAt) = try Self.load(configuration)
            state = Locked(State(context: context, expiresAt: expiresAt, stamps: stamps))
        } catch {
            throw DoorbellError(.configuration, "the certificate cannot be used: \(error)")
        }
    }

    /// For the next connection.
    public var context: NIOSSLContext { state.withLock { $0.context } }

    /// When the certificate in use ends.
    public var expiresAt: Timestamp { state.withLock { $0.expiresAt } }

    /// Looks whether a file has changed, and takes the new ones when they work. Reads files: not on an event loop.
    @discardableResult
    public func reloadIfChanged() -> Outcome {
        let stamps = Self.stamps(configuration)
        // After a failure it is tried again each time: chain and key are two files, which are not written at one moment.
        let isSame = state.withLock { $0.stamps == stamps && $0.trouble == nil }
        return isSame ? .unchanged : load(stamps)
    }

    /// Takes the files as they are now, changed or not: for SIGHUP.
    @discardableResult
    public func reload() -> Outcome { load(Self.stamps(configuration)) }

    /// Looks at the files at each ``CertificateConfiguration/checkInterval``, until the task is cancelled.
    public func run() async throws {
        while !Task.isCancelled {
            try? await Task.sleep(for: configuration.checkInterval)
            if !Task.isCancelled { reloadIfChanged() }
        }
    }

    private func load(_ stamps: Stamps) -> Outcome {
        do throws(KeyError) {
            let (context, expiresAt) = try Self.load(configuration)
            state.withLock { state in
                state.context = context
                state.expiresAt = expiresAt
                state.stamps = stamps
                state.trouble = nil
            }
            reloaded.increment()
            logger.notice("certificate reloaded", metadata: ["file": "\(configuration.chainFile)"])
            return .reloaded
        } catch {
            failed.increment()
            let isNews = state.withLock { state in
                defer { state.trouble = error.description }
                return state.trouble != error.description
            }
            if isNews {
                logger.error(
                    "certificate not reloaded: the old one stays in use", metadata: ["reason": "\(error)"])
            }
            return .failed(error.description)
        }
    }

    private static func stamps(_ configuration: CertificateConfiguration) -> Stamps {
        Stamps(chain: FileStamp(of: configuration.chainFile), key: FileStamp(of: configuration.keyFile))
    }

    private static func load(_ configuration: CertificateConfiguration) throws(KeyError) -> (NIOSSLContext, Timestamp) {
        let chainBytes = try FileStamp.read(configuration.chainFile, limit: maximumSize)
        let keyBytes = try FileStamp.read(configuration.keyFile, limit: maximumSize)
        let chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMBytes(chainBytes)
        } catch {
            throw KeyError("'\(configuration.chainFile)' has no certificates in PEM")
        }
        guard let leaf = chain.first else { throw KeyError("'\(configuration.chainFile)' has no certificates in PEM") }
        let key: NIOSSLPrivateKey
        do {
            key = try NIOSSLPrivateKey(bytes: keyBytes, format: .pem)
        } catch {
            throw KeyError("'\(configuration.keyFile)' has no private key in PEM, or it is encrypted")
        }
        var settings = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        settings.minimumTLSVersion = configuration.minimumVersion == .v13 ? .tlsv13 : .tlsv12
        settings.applicationProtocols = configuration.applicationProtocols
        // How long a peer that we close may take to say that it has understood; a peer that is gone never does.
        settings.shutdownTimeout = .seconds(2)
        do {
            let expiresAt = Timestamp(microseconds: Int64(leaf.notValidAfter) * 1_000_000)
            return (try NIOSSLContext(configuration: settings), expiresAt)
        } catch {
            throw KeyError(
                "'\(configuration.keyFile)' is not the key of the first certificate in '\(configuration.chainFile)'")
        }
    }
}
