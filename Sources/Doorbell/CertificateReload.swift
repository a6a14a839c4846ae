public import DoorbellAuth
public import DoorbellCore
import DoorbellServer
public import Logging
import ServiceLifecycle

/// Looks for new certificate files while the service runs.
struct CertificateReload: Service {
    let store: CertificateStore

    func run() async throws {
        try await cancelWhenGracefulShutdown { try await store.run() }
    }
}

extension Configuration {
    /// The files of `tls`, read; `nil` without TLS.
    ///
    /// - Throws: ``DoorbellError`` with code `configuration` when they cannot be used.
    public func openCertificates(logger: Logger) throws(DoorbellError) -> CertificateStore? {
        guard var tls else { return nil }
        tls.applicationProtocols = Server.applicationProtocols
        return try CertificateStore(tls, logger: logger)
    }
}
