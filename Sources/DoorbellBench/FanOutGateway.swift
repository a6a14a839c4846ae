import DoorbellServer
import NIOCore
import NIOHTTP1

/// No legacy API: the channels that are measured are public, so nobody is asked.
struct FanOutGateway: LegacyGateway {
    private static let failure = GatewayFailure(.badGateway, "there is no legacy API here")

    var trouble: String? { nil }

    func ask(
        _ target: String, headers: HTTPHeaders, from origin: RequestOrigin, on loop: any EventLoop
    ) -> EventLoopFuture<PollAnswer> { loop.makeFailedFuture(Self.failure) }

    func forward(
        _ head: HTTPRequestHead, hasBody: Bool, from origin: RequestOrigin, on loop: any EventLoop,
        answer: any LegacyAnswerWriter
    ) -> any LegacyRequestWriter {
        answer.fail(Self.failure)
        return Nowhere()
    }

    private final class Nowhere: LegacyRequestWriter {
        func body(_ part: ByteBuffer) -> Bool { true }
        func end() {}
        func cancel() {}
    }
}
