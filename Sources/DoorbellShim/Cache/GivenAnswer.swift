import DoorbellServer
import NIOCore
import NIOHTTP1

/// A kept answer as it was given to one client, with what is counted of it.
struct GivenAnswer {
    let kept: KeptAnswer
    let polled: PolledRequest
    let request: HTTPHeaders
    let origin: RequestOrigin
    /// What the client was told beside it.
    let guidance: PollGuidance
    private let answer: PolledAnswer

    var poll: FeatureCatalog.Poll { polled.poll }

    init(
        _ kept: KeptAnswer, to polled: PolledRequest, _ request: HTTPHeaders, from origin: RequestOrigin,
        _ answer: HTTPResponseHead, hasBody: Bool, guidance: PollGuidance, servedBy: ServedBy
    ) {
        self.kept = kept
        self.polled = polled
        self.request = request
        self.origin = origin
        self.guidance = guidance
        let length = hasBody ? kept.body.readableBytes : 0
        self.answer = PolledAnswer(
            status: answer.status, digest: kept.digest,
            bytesDown: ProxyHeaders.size(of: answer.headers, startLine: 13 + answer.status.reasonPhrase.utf8.count)
                + length, length: length, position: kept.position, servedBy: servedBy)
    }

    func count(_ observer: PollObserver) { observer.answered(polled, answer) }
}
