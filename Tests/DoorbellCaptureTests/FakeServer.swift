import Foundation
import Synchronization

/// A server of PostgreSQL's protocol that lets anybody in, says that it is `version`, and then says nothing more. For one
/// connection.
final class FakeServer: Sendable {
    let port: Int
    private let listener: Int32

    struct Failure: Error {}

    init(version: String) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let ready = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) == 0 && listen(listener, 1) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        guard ready else { throw Failure() }
        self.listener = listener
        self.port = Int(UInt16(bigEndian: address.sin_port))
        Thread.detachNewThread { Self.serve(listener, version) }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    private static func serve(_ listener: Int32, _ version: String) {
        let connection = accept(listener, nil, nil)
        guard connection >= 0 else { return }
        defer { close(connection) }
        var buffer = [UInt8](repeating: 0, count: 4096)
        // The startup message is one segment on the loopback interface.
        guard read(connection, &buffer, buffer.count) > 0 else { return }
        var answer = message("R", [0, 0, 0, 0])
        answer += message("S", Array("server_version\0\(version)\0".utf8))
        answer += message("S", Array("client_encoding\0UTF8\0".utf8))
        answer += message("K", [0, 0, 0, 1, 0, 0, 0, 2])
        answer += message("Z", Array("I".utf8))
        _ = write(connection, answer, answer.count)
        while read(connection, &buffer, buffer.count) > 0 {}
    }

    private static func message(_ type: Character, _ body: [UInt8]) -> [UInt8] {
        let length = UInt32(body.count + 4).bigEndian
        return Array(String(type).utf8) + withUnsafeBytes(of: length) { Array($0) } + body
    }
}
