import DoorbellCore
import DoorbellServer
import NIOCore
import NIOHTTP1

/// A poll that is not passed on any more, or not for a while: answered with a problem (RFC 9457). Lives on the connection's loop.
///
/// It says `Doorbell-Transport: push`, so a client that can goes on by push, whose questions to the legacy API are not refused. While push
/// cannot be had, and for whom it is never to be (`cohort.deny`), polls are answered: there is no other way.
final class RefusedPoll: LegacyRequestWriter {
    /// `nil` once it is answered, or the client is gone.
    private var answer: (any LegacyAnswerWriter)?
    private let response: HTTPResponseHead
    private let body: ByteBuffer
    private let note: () -> Void

    /// `nil`: the poll is answered.
    ///
    /// - Parameter position: Where the log stands.
    init?(
        _ poll: FeatureCatalog.Poll, _ head: HTTPRequestHead, from origin: RequestOrigin, upstream: HTTPUpstream,
        position: Position?, hasBody: Bool, answer: any LegacyAnswerWriter
    ) {
        let guidance = upstream.guidance(poll, headers: head.headers, from: origin)
        guard guidance.usesPush, position != nil else { return nil }
        var headers: HTTPHeaders = ["content-type": "application/problem+json", "cache-control": "no-store"]
        let status: HTTPResponseStatus
        let detail: String
        switch guidance.verdict {
        case .answered: return nil
        case .gone:
            status = .gone
            detail = "this URL is no longer polled: subscribe at /_doorbell/ws"
        case .brownOut(let end):
            status = .serviceUnavailable
            detail =
                "polling this URL is about to end and fails until \(end.rfc3339), as announced: subscribe at /_doorbell/ws"
            let seconds = (end.seconds(since: upstream.now())).rounded(.up)
            headers.add(name: "retry-after", value: String(Int(max(1, seconds))))
        }
        let text = Self.problem(status, detail, poll.feature)
        headers.add(name: "content-length", value: String(text.count))
        PollHeaders.decorate(
            &headers, feature: poll.feature, position: position, guidance: guidance, milliseconds: 0,
            servedBy: .refusal)
        self.answer = answer
        response = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        body = head.method == .HEAD ? ByteBuffer() : ByteBuffer(bytes: text)
        let size = ProxyHeaders.size(of: headers, startLine: 13 + status.reasonPhrase.utf8.count) + body.readableBytes
        let polled = PolledRequest(
            poll, head, guidance: guidance, caller: upstream.observer.caller(poll.feature, head.headers, from: origin))
        let told = PolledAnswer(
            status: status, digest: nil, bytesDown: size, length: body.readableBytes, position: position,
            servedBy: .refusal)
        note = { [observer = upstream.observer] in observer.answered(polled, told) }
        // A client may wait to be told before it sends one.
        if hasBody { answer.wantsBody() }
    }

    private static func problem(_ status: HTTPResponseStatus, _ detail: String, _ feature: Feature) -> [UInt8] {
        var text = Array(#"{"type":"about:blank","title":"#.utf8)
        JSONWriter.string(status.reasonPhrase, to: &text)
        text += Array(#","status":"#.utf8)
        JSONWriter.integer(status.code, to: &text)
        text += Array(#","detail":"#.utf8)
        JSONWriter.string(detail, to: &text)
        text += Array(#","feature":"#.utf8)
        JSONWriter.string(feature.name, to: &text)
        return text + Array("}\n".utf8)
    }

    /// Not wanted.
    func body(_ part: ByteBuffer) -> Bool { true }

    func end() {
        guard let answer else { return }
        self.answer = nil
        note()
        answer.head(response)
        if body.readableBytes > 0 { _ = answer.body(body) }
        answer.end()
    }

    func cancel() { answer = nil }
}

@available(*, unavailable)
extension RefusedPoll: Sendable {}
