import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What the network's libraries throw, in words for people.
public enum NetworkProblem {
    /// A sentence without its full stop, such as `cannot reach 127.0.0.1:8080: nobody listens there`.
    public static func sentence(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            let place = "cannot reach \(error.host):\(error.port)"
            guard let failure = error.connectionErrors.last?.error else { return "\(place): the name has no address" }
            return "\(place): \(sentence(failure))"
        case let error as IOError:
            switch error.errnoCode {
            case ECONNREFUSED: return "nobody listens there"
            case ECONNRESET, EPIPE: return "the connection was closed"
            default: return String(cString: strerror(error.errnoCode))
            }
        case let error as HTTPClientError: return sentence(error)
        case ChannelError.connectTimeout: return "nobody answered in time"
        case is ChannelError: return "the connection was closed"
        case NIOSSLError.handshakeFailed(let reason): return handshake("\(reason)")
        case NIOSSLError.uncleanShutdown: return "the connection was cut"
        case is NIOSSLError, is BoringSSLError: return "TLS failed: \(error)"
        case is NIOSSLExtraError: return "the certificate is not for this name"
        case is HTTPParserError, is NIOHTTPDecoderError: return "the answer is not HTTP"
        default: return "\(error)"
        }
    }

    private static func sentence(_ error: HTTPClientError) -> String {
        switch error {
        case .connectTimeout, .getConnectionFromPoolTimeout: "nobody accepted the connection in time"
        case .tlsHandshakeTimeout: "TLS was not agreed on in time"
        case .readTimeout, .writeTimeout, .deadlineExceeded: "no whole answer came in time"
        case .remoteConnectionClosed, .uncleanShutdown: "the connection was closed without a whole answer"
        default: error.shortDescription.lowercased()
        }
    }

    /// - Parameter reason: What the TLS library says, with its names of reasons.
    private static func handshake(_ reason: String) -> String {
        if reason.contains("CERTIFICATE_VERIFY_FAILED") {
            return "the certificate is not one that this machine trusts, or is out of date"
        }
        if reason.contains("WRONG_VERSION_NUMBER") || reason.contains("HTTP_REQUEST") {
            return "it does not speak TLS on this port"
        }
        if reason.contains("EOF") {
            return "the connection was closed in the TLS handshake"
        }
        return "TLS was not agreed on: \(reason)"
    }
}
