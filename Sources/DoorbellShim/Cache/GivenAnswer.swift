import DoorbellServer
import NIOCore
import NIOHTTP1

/// A kept answer as it was given to one client, with what is counted of it.
struct GivenAnswer {
    let kept: KeptAnswer
    let poll: FeatureCatalog.Poll
    let request: HTTPHeaders
    let origin: RequestOrigin
    /// What the client was told beside it.
    let guidance: PollGuidance
    private let caller: PollCaller?
    private let key: PollMemory.Key
    private let status: HTTPResponseStatus
    private let bytesUp: Int
    private let bytesDown: Int
    private let servedBy: ServedBy

    init(
        _ kept: KeptAnswer, to poll: FeatureCatalog.Poll, _ request: HTTPRequestHead, from origin: RequestOrigin,
        _ answer: HTTPResponseHead, hasBody: Bool, guidance: PollGuidance, caller: PollCaller?, servedBy: ServedBy
    ) {
        self.kept = kept
        self.poll = poll
        self.request = request.headers
        self.origin = origin
        self.guidance = guidance
        self.caller = caller
        self.servedBy = servedBy
        key = PollObserver.key(request)
        status = answer.status
        bytesUp = ProxyHeaders.size(
            of: request.headers, startLine: request.method.rawValue.utf8.count + request.uri.utf8.count + 11)
        bytesDown =
            ProxyHeaders.size(of: answer.headers, startLine: 13 + answer.status.reasonPhrase.utf8.count)
            + (hasBody ? kept.body.readableBytes : 0)
    }

    func count(_ observer: PollObserver) {
        observer.answered(
            poll, key: key, status: status, digest: kept.digest, bytesUp: bytesUp, bytesDown: bytesDown,
            position: kept.position, servedBy: servedBy, caller: caller)
    }
}
