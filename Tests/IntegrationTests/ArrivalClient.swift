#if canImport(Glibc)
import DoorbellCore
import Foundation
import Glibc

/// A client of the WebSocket that knows when the kernel had each message for it, however late this process was to read it: it measures the service,
/// not itself. On a thread of its own.
final class ArrivalClient: Sendable {
    private struct State {
        var staleness: [Double] = []
        var isSubscribed = false
        var ended = false
    }

    private let descriptor: Int32
    private let state = Locked(State())

    /// Connects and subscribes to `channel`. Rows are `{"id": …, "at": …}`, the second in microseconds since 1970.
    init(port: Int, channel: String) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        var on: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, Int32(SO_TIMESTAMPNS), &on, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw POSIXError(.ECONNREFUSED) }
        send(
            "GET /_doorbell/ws HTTP/1.1\r\nhost: doorbell.test\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
                + "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        let message = #"{"type":"subscribe","channel":"\#(channel)"}"#
        // A masked text frame; the mask is 0.
        send([0x81, 0x80 | UInt8(message.utf8.count), 0, 0, 0, 0] + Array(message.utf8))
        Thread.detachNewThread { self.read() }
    }

    var isSubscribed: Bool { state.withLock { $0.isSubscribed } }
    /// Seconds from what each row says until its message was there.
    var staleness: [Double] { state.withLock { $0.staleness } }

    /// Ends the connection; returns when the thread has ended.
    func close() async throws {
        shutdown(descriptor, Int32(SHUT_RDWR))
        while !state.withLock({ $0.ended }) { try await Task.sleep(for: .milliseconds(5)) }
        Glibc.close(descriptor)
    }

    private func send(_ text: String) { send(Array(text.utf8)) }

    private func send(_ bytes: [UInt8]) {
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    private func read() {
        defer { state.withLock { $0.ended = true } }
        // The handshake's answer, byte by byte.
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            guard let next = receive(1) else { return }
            head += next.bytes
        }
        while let frame = receive(2) {
            var length = Int(frame.bytes[1] & 0x7F)
            if length == 126 {
                guard let more = receive(2) else { return }
                length = Int(more.bytes[0]) << 8 | Int(more.bytes[1])
            }
            guard length <= 65_535, let body = receive(length) else { return }
            let text = String(decoding: body.bytes, as: UTF8.self)
            state.withLock { state in
                if text.contains("subscribed") { state.isSubscribed = true }
                for match in text.matches(of: /"id": ?\d+, ?"at": ?(\d+)/) {
                    guard let at = Int64(match.1), let arrived = body.arrived else { continue }
                    state.staleness.append(arrived.seconds(since: Timestamp(microseconds: at)))
                }
            }
        }
    }

    /// So many bytes, and when the last of them had arrived.
    private func receive(_ count: Int) -> (bytes: [UInt8], arrived: Timestamp?)? {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        var arrived: Timestamp?
        while filled < count {
            var control = [UInt64](repeating: 0, count: 16)
            let got = bytes.withUnsafeMutableBytes { bytes in
                control.withUnsafeMutableBytes { control in
                    var part = iovec(iov_base: bytes.baseAddress! + filled, iov_len: count - filled)
                    return withUnsafeMutablePointer(to: &part) { part in
                        var message = msghdr()
                        message.msg_iov = part
                        message.msg_iovlen = 1
                        message.msg_control = control.baseAddress
                        message.msg_controllen = control.count
                        return recvmsg(descriptor, &message, 0)
                    }
                }
            }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { return nil }
            filled += got
            arrived = Self.timestamp(control) ?? arrived
        }
        return (bytes, arrived)
    }

    /// Of a control message: its length, level and type, then seconds and nanoseconds.
    private static func timestamp(_ control: [UInt64]) -> Timestamp? {
        guard control[0] >= 32, control[1] == UInt64(SO_TIMESTAMPNS) << 32 | UInt64(SOL_SOCKET) else { return nil }
        return Timestamp(microseconds: Int64(control[2]) * 1_000_000 + Int64(control[3]) / 1000)
    }
}
#endif
