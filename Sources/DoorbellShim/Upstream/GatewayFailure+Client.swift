import AsyncHTTPClient
import DoorbellServer
import NIOCore
import NIOHTTP1

extension GatewayFailure {
    /// - Parameter address: The legacy API's, for the text.
    init(_ error: any Error, address: String) {
        if let failure = error as? GatewayFailure {
            self = failure
            return
        }
        switch error as? HTTPClientError {
        case .connectTimeout?, .tlsHandshakeTimeout?, .getConnectionFromPoolTimeout?:
            self.init(.gatewayTimeout, "the legacy API at \(address) did not accept a connection in time")
        case .readTimeout?, .writeTimeout?, .deadlineExceeded?:
            self.init(.gatewayTimeout, "the legacy API at \(address) did not answer in time")
        case .remoteConnectionClosed?:
            self.init(.badGateway, "the legacy API at \(address) closed the connection without a whole answer")
        case .alreadyShutdown?:
            self.init(.serviceUnavailable, "the service is going away")
        case .traceRequestWithBody?:
            self.init(.badRequest, "a TRACE request may not have a body")
        case .some(let other):
            self.init(.badGateway, "the exchange with the legacy API at \(address) failed: \(other.shortDescription)")
        case nil:
            let isAnswered = error is HTTPParserError || error is NIOHTTPDecoderError
            self.init(
                .badGateway,
                isAnswered
                    ? "the legacy API at \(address) gave an answer that is not HTTP"
                    : "the legacy API at \(address) cannot be reached")
        }
    }
}
