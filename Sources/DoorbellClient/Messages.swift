import NIOCore

/// The messages of a connection, each the bytes of one WebSocket message. See ``DoorbellConnection/messages``.
public struct Messages: AsyncSequence, Sendable {
    typealias Producer = NIOAsyncSequenceProducer<
        [UInt8], NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark, MessageDemand
    >

    let sequence: Producer?

    public struct AsyncIterator: AsyncIteratorProtocol {
        let iterator: Producer.AsyncIterator?

        public mutating func next() async -> [UInt8]? { await iterator?.next() }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(iterator: sequence?.makeAsyncIterator()) }
}

/// Carries the consumer's appetite to the connection's event loop.
struct MessageDemand: NIOAsyncSequenceProducerDelegate {
    let channel: any Channel

    func produceMore() { resume() }

    /// Nobody listens any more: what comes is read and dropped, so that closes and pings are still seen.
    func didTerminate() { resume() }

    private func resume() {
        channel.triggerUserOutboundEvent(WebSocketClientHandler.Command.resume, promise: nil)
    }
}
