import DoorbellAuth
import DoorbellCore
import Foundation
import Logging
import NIOSSL

/// A certificate for the server and what clients need to speak with it.
final class TestCertificate: Sendable {
    struct Failure: Error {}

    let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "doorbell-tls-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try renew(name: "first.test")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    var configuration: CertificateConfiguration {
        CertificateConfiguration(chainFile: folder + "/certificate.pem", keyFile: folder + "/key.pem")
    }

    /// Other files in the places of the old ones.
    func renew(name: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=\(name)", "-keyout", folder + "/key.pem", "-out", folder + "/certificate.pem",
        ]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure() }
    }

    func store(protocols: [String]) throws -> CertificateStore {
        var configuration = configuration
        configuration.applicationProtocols = protocols
        return try CertificateStore(configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    /// For a client that takes any certificate and offers `protocols`.
    static func client(_ protocols: [String] = []) throws -> NIOSSLContext {
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.certificateVerification = .none
        settings.applicationProtocols = protocols
        return try NIOSSLContext(configuration: settings)
    }
}
