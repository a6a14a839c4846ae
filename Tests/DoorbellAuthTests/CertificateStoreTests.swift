import CoreMetrics
import DoorbellCore
import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Testing

@testable import DoorbellAuth

@Suite struct CertificateStoreTests {
    private func certificate(_ folder: Folder, _ name: String, days: Int = 2) async throws {
        // Beside and then renamed, as careful writers do.
        try await openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "\(days)",
            "-subj", "/CN=\(name)", "-keyout", folder.file("new-key.pem"), "-out", folder.file("new-cert.pem"))
        for file in ["key.pem", "cert.pem"] {
            guard rename(folder.file("new-" + file), folder.file(file)) == 0 else {
                throw CommandFailure(description: "rename")
            }
        }
    }

    private func store(_ folder: Folder, _ log: LogRecord = LogRecord()) throws -> CertificateStore {
        var configuration = CertificateConfiguration(
            chainFile: folder.file("cert.pem"), keyFile: folder.file("key.pem"))
        configuration.applicationProtocols = ["h2", "http/1.1"]
        return try CertificateStore(configuration, logger: log.logger, metrics: NOOPMetricsHandler.instance)
    }

    /// Shakes hands over loopback with a server that takes its context from the store for each connection.
    ///
    /// - Returns: The common name of the server's certificate, and the protocol that was agreed on.
    private func shake(_ store: CertificateStore, offering: [String]) async throws -> (name: String, protocol: String?)
    {
        let group = MultiThreadedEventLoopGroup.singleton
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: store.context))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        defer { server.close(promise: nil) }
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.certificateVerification = .none
        settings.applicationProtocols = offering
        let context = try NIOSSLContext(configuration: settings)
        let agreed = group.any().makePromise(of: (String, String?).self)
        let client = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(context: context, serverHostname: nil)
                    try channel.pipeline.syncOperations.addHandlers(tls, Witness(tls: tls, agreed: agreed))
                }
            }
            .connect(to: try #require(server.localAddress)).get()
        defer { client.close(promise: nil) }
        return try await agreed.futureResult.get()
    }

    /// Sees the end of the handshake.
    private final class Witness: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let tls: NIOSSLClientHandler
        let agreed: EventLoopPromise<(String, String?)>

        init(tls: NIOSSLClientHandler, agreed: EventLoopPromise<(String, String?)>) {
            self.tls = tls
            self.agreed = agreed
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard case .handshakeCompleted(let negotiated) = event as? TLSUserEvent else { return }
            let subject = tls.peerCertificate.map { "\($0)" } ?? ""
            agreed.succeed((subject, negotiated))
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { agreed.fail(error) }
        func channelInactive(context: ChannelHandlerContext) { agreed.fail(ChannelError.eof) }
    }

    @Test("new connections get the new certificate after a reload, and the protocol is agreed on")
    func reload() async throws {
        let folder = try Folder()
        try await certificate(folder, "first", days: 2)
        let store = try store(folder)
        let first = try await shake(store, offering: ["h2", "http/1.1"])
        #expect(first.name.contains("first") && first.protocol == "h2")
        #expect(try await shake(store, offering: ["http/1.1"]).protocol == "http/1.1")
        #expect(store.reloadIfChanged() == .unchanged)
        let before = store.expiresAt
        try await certificate(folder, "second", days: 30)
        #expect(store.reloadIfChanged() == .reloaded)
        #expect(try await shake(store, offering: ["h2"]).name.contains("second"))
        #expect(store.expiresAt > before.advanced(by: .seconds(27 * 86_400)))
        #expect(store.reloadIfChanged() == .unchanged)
        #expect(store.reload() == .reloaded)
    }

    @Test("broken files leave the old certificate in use, are told of once, and are tried again")
    func broken() async throws {
        let folder = try Folder()
        try await certificate(folder, "first")
        let log = LogRecord()
        let store = try store(folder, log)
        let key = try String(contentsOfFile: folder.file("key.pem"), encoding: .utf8)
        let chain = try String(contentsOfFile: folder.file("cert.pem"), encoding: .utf8)
        // A key that is not the certificate's.
        try await certificate(folder, "other")
        try folder.write("cert.pem", chain)
        for _ in 0..<3 {
            guard case .failed(let reason) = store.reloadIfChanged() else {
                Issue.record("not refused")
                return
            }
            #expect(reason.contains("is not the key of the first certificate"))
        }
        #expect(log.all.filter { $0.hasPrefix("error") }.count == 1)
        #expect(try await shake(store, offering: ["h2"]).name.contains("first"))
        for (file, text) in [("cert.pem", ""), ("cert.pem", "garbage"), ("key.pem", "garbage")] {
            try folder.write("cert.pem", chain)
            try folder.write("key.pem", key)
            #expect(store.reload() == .reloaded)
            try folder.write(file, text)
            guard case .failed = store.reloadIfChanged() else {
                Issue.record("not refused")
                return
            }
        }
        try FileManager.default.removeItem(atPath: folder.file("key.pem"))
        guard case .failed(let reason) = store.reloadIfChanged() else {
            Issue.record("not refused")
            return
        }
        #expect(reason.contains("cannot be read"))
        #expect(try await shake(store, offering: ["h2"]).name.contains("first"))
        // The missing half arrives.
        try folder.write("key.pem", key)
        #expect(store.reloadIfChanged() == .reloaded)
        #expect(!log.all.joined().contains(key.split(separator: "\n")[1]))
    }

    @Test("a store begins with files that work or not at all")
    func start() async throws {
        let folder = try Folder()
        #expect(throws: DoorbellError.self) { try self.store(folder) }
        try await certificate(folder, "first")
        var configuration = CertificateConfiguration(
            chainFile: folder.file("cert.pem"), keyFile: folder.file("key.pem"))
        configuration.checkInterval = .milliseconds(1)
        #expect(configuration.problem != nil)
        configuration = CertificateConfiguration(chainFile: folder.file("cert.pem"), keyFile: folder.file("key.pem"))
        configuration.applicationProtocols = [""]
        #expect(configuration.problem != nil)
    }
}
