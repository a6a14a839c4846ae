import DoorbellCore
import DoorbellServer
import NIOCore
import NIOHTTP1

/// A legacy API that is a closure: answers questions and requests from memory.
final class FakeGateway: LegacyGateway {
    struct Question: Sendable {
        var target: String
        var headers: HTTPHeaders
    }

    private struct State {
        var asked: [Question] = []
        var forwarded: [HTTPRequestHead] = []
        var answer: @Sendable (Question) -> Result<PollAnswer, GatewayFailure>
        var trouble: String?
        var isHolding = false
        var held: [@Sendable () -> Void] = []
    }

    private let state: Locked<State>

    init() {
        state = Locked(
            State(answer: { _ in
                .success(
                    PollAnswer(
                        status: .ok, headers: ["content-type": "application/json", "etag": "\"1\""],
                        body: ByteBuffer(string: #"{"items":[]}"#)))
            }))
    }

    var asked: [Question] { state.withLock { $0.asked } }
    var forwarded: [HTTPRequestHead] { state.withLock { $0.forwarded } }
    var trouble: String? { state.withLock { $0.trouble } }

    func setTrouble(_ text: String?) { state.withLock { $0.trouble = text } }

    func answer(_ answer: @escaping @Sendable (Question) -> Result<PollAnswer, GatewayFailure>) {
        state.withLock { $0.answer = answer }
    }

    func refuse(_ status: HTTPResponseStatus) {
        answer { _ in
            .success(PollAnswer(status: status, headers: ["x-legacy": "yes"], body: ByteBuffer(string: "refused")))
        }
    }

    /// Questions are kept until ``releaseAll()``.
    func hold() { state.withLock { $0.isHolding = true } }

    func releaseAll() {
        let held = state.withLock { state in
            state.isHolding = false
            defer { state.held = [] }
            return state.held
        }
        for release in held { release() }
    }

    func ask(
        _ target: String, headers: HTTPHeaders, from origin: RequestOrigin, on loop: any EventLoop
    ) -> EventLoopFuture<PollAnswer> {
        let question = Question(target: target, headers: headers)
        let promise = loop.makePromise(of: PollAnswer.self)
        let answer: (@Sendable (Question) -> Result<PollAnswer, GatewayFailure>)? = state.withLock { state in
            state.asked.append(question)
            guard !state.isHolding else {
                let answer = state.answer
                state.held.append { promise.completeWith(answer(question).mapError { $0 as any Error }) }
                return nil
            }
            return state.answer
        }
        if let answer { promise.completeWith(answer(question).mapError { $0 as any Error }) }
        return promise.futureResult
    }

    func forward(
        _ head: HTTPRequestHead, hasBody: Bool, from origin: RequestOrigin, on loop: any EventLoop,
        answer: any LegacyAnswerWriter
    ) -> any LegacyRequestWriter {
        state.withLock { $0.forwarded.append(head) }
        return Echo(answer: answer)
    }

    /// Answers with the size of the body once the request is complete.
    private final class Echo: LegacyRequestWriter {
        private let answer: any LegacyAnswerWriter
        private var size = 0

        init(answer: any LegacyAnswerWriter) { self.answer = answer }

        func body(_ part: ByteBuffer) -> Bool {
            size += part.readableBytes
            return true
        }

        func end() {
            answer.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: ["x-legacy": "yes"]))
            _ = answer.body(ByteBuffer(string: "legacy \(size)"))
            answer.end()
        }

        func cancel() {}
    }
}
