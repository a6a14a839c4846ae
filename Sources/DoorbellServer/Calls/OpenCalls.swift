import CoreMetrics
import DoorbellWire
import NIOCore
import NIOHTTP1

/// The calls to the legacy API that one client has open. Lives on the client's event loop, and is made with its first call.
///
/// An answer that comes while the socket takes nothing waits here, so that the send budget stays the channels': at most as many bytes as the
/// budget, and one answer in any case. What comes beyond is dropped, and the client is told `limit`. How many calls are open is the
/// session's business; an answer that waits is still open.
final class OpenCalls {
    private var open: [String: LegacyCall] = [:]
    private var waiting: [(id: String, outcome: CallOutcome, bytes: Int)] = []
    private var waitingBytes = 0

    /// Begins the call `request` of `stream`, which owns this.
    func start(_ request: ClientMessage.Request, of stream: PushStream, headers: HTTPHeaders) {
        let core = stream.core
        let call = LegacyCall(id: request.id, loop: stream.channel.eventLoop) { [weak self, weak stream] outcome in
            guard let self, let stream else { return }
            open[request.id] = nil
            deliver(outcome, of: request.id, to: stream)
        }
        open[request.id] = call
        let body = CallCheck.body(of: request)
        call.start(
            CallCheck.head(of: request, body: body, handshake: headers), body: body, via: core.gateway,
            from: stream.origin, timeout: .nanoseconds(Int64(core.configuration.requestTimeout.seconds * 1e9)))
    }

    /// The client is gone, or is being sent away: nobody waits for an answer.
    func cancelAll() {
        let calls = open.values
        open = [:]
        waiting = []
        waitingBytes = 0
        for call in calls { call.cancel() }
    }

    /// The socket takes bytes again.
    func becameWritable(_ stream: PushStream) {
        while let next = waiting.first, stream.state == .open, stream.channel.isWritable {
            waiting.removeFirst()
            waitingBytes -= next.bytes
            tell(next.outcome, of: next.id, to: stream)
        }
    }

    private func deliver(_ outcome: CallOutcome, of id: String, to stream: PushStream) {
        guard stream.channel.isWritable, waiting.isEmpty else {
            let bytes = if case .answered(let response) = outcome { response.bodyLength } else { 0 }
            let hasRoom = waiting.isEmpty || waitingBytes + bytes <= stream.core.configuration.sendBudget
            waiting.append((id, hasRoom ? outcome : .unread, hasRoom ? bytes : 0))
            waitingBytes += hasRoom ? bytes : 0
            return
        }
        tell(outcome, of: id, to: stream)
    }

    private func tell(_ outcome: CallOutcome, of id: String, to stream: PushStream) {
        stream.core.metrics.called(outcome).increment()
        stream.perform { $0.called(id, outcome) }
    }
}

@available(*, unavailable)
extension OpenCalls: Sendable {}
