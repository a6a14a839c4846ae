import NIOCore
import NIOHTTP1

/// One answer's way to the client. Outlives the exchange harmlessly: once the connection has moved on, calls do nothing.
final class ClientAnswer: LegacyTunnelWriter {
    private weak var connection: HTTPConnectionHandler?
    private let loop: any EventLoop

    init(connection: HTTPConnectionHandler, loop: any EventLoop) {
        self.connection = connection
        self.loop = loop
    }

    func wantsBody() { connection?.wantsBody(for: self) }
    func head(_ head: HTTPResponseHead) { connection?.answer(self, head: head) }
    func body(_ part: ByteBuffer) -> EventLoopFuture<Void> {
        connection?.answer(self, body: part) ?? loop.makeFailedFuture(ChannelError.ioOnClosedChannel)
    }
    func end() { connection?.answerEnded(self) }
    func repeatable(_ answer: any RepeatableAnswer) { connection?.answer(self, isRepeatable: answer) }
    func switched(_ head: HTTPResponseHead, to channel: any Channel) -> Bool {
        connection?.switched(for: self, head, to: channel) ?? false
    }
    func fail(_ failure: GatewayFailure) { connection?.answerFailed(self, failure) }
}

@available(*, unavailable)
extension ClientAnswer: Sendable {}
