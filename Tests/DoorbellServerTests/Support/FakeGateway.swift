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

    /// What becomes of a request that is passed on.
    enum Reply: Sendable {
        case answer(HTTPResponseStatus, HTTPHeaders = [:], [UInt8])
        case failure(GatewayFailure)
        /// Nothing before ``releaseForwards(with:)``.
        case hold
    }

    private struct State {
        var asked: [Question] = []
        var forwarded: [HTTPRequestHead] = []
        var bodies: [String] = []
        /// Requests that the client gave up.
        var cancelled = 0
        var reply: @Sendable (HTTPRequestHead, String) -> Reply
        var heldForwards: [@Sendable (Reply) -> Void] = []
        var origins: [RequestOrigin] = []
        var answer: @Sendable (Question) -> Result<PollAnswer, GatewayFailure>
        var trouble: String?
        var isHolding = false
        var held: [@Sendable () -> Void] = []
        /// Whether answers to requests may be given again.
        var isRepeatable = false
        /// Those that were.
        var repeated = 0
    }

    private let state: Locked<State>

    init() {
        state = Locked(
            State(
                reply: { _, body in .answer(.ok, ["x-legacy": "yes"], Array("legacy \(body.utf8.count)".utf8)) },
                answer: { _ in
                    .success(
                        PollAnswer(
                            status: .ok, headers: ["content-type": "application/json", "etag": "\"1\""],
                            body: ByteBuffer(string: #"{"items":[]}"#)))
                }))
    }

    var asked: [Question] { state.withLock { $0.asked } }
    var forwarded: [HTTPRequestHead] { state.withLock { $0.forwarded } }
    /// Of the requests that were passed on whole, in the order of their ends.
    var bodies: [String] { state.withLock { $0.bodies } }
    var cancelled: Int { state.withLock { $0.cancelled } }
    var heldForwards: Int { state.withLock { $0.heldForwards.count } }
    /// Of questions and requests.
    var origins: [RequestOrigin] { state.withLock { $0.origins } }
    var trouble: String? { state.withLock { $0.trouble } }

    /// Requests that were answered without being passed on.
    var repeated: Int { state.withLock { $0.repeated } }
    let hasRepeatableAnswers = true

    /// Whether answers that were given, and those to come, hold.
    func setRepeatable(_ isRepeatable: Bool) { state.withLock { $0.isRepeatable = isRepeatable } }

    private final class Repeatable: RepeatableAnswer {
        private let gateway: FakeGateway

        init(_ gateway: FakeGateway) { self.gateway = gateway }

        func again() -> Bool {
            gateway.state.withLock {
                if $0.isRepeatable { $0.repeated += 1 }
                return $0.isRepeatable
            }
        }
    }

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
            state.origins.append(origin)
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
        state.withLock { state in
            state.forwarded.append(head)
            state.origins.append(origin)
        }
        return Writer(gateway: self, head: head, answer: answer, loop: loop)
    }

    /// Requests that are passed on from here on are answered so.
    func reply(_ reply: @escaping @Sendable (HTTPRequestHead, String) -> Reply) {
        state.withLock { $0.reply = reply }
    }

    /// Answers the requests that are held, the last one first.
    func releaseForwards(with reply: Reply) {
        let held = state.withLock { state in
            defer { state.heldForwards = [] }
            return state.heldForwards
        }
        for release in held.reversed() { release(reply) }
    }

    private final class Writer: LegacyRequestWriter {
        private let gateway: FakeGateway
        private let head: HTTPRequestHead
        /// `nil` once it is over.
        private var answer: (any LegacyAnswerWriter)?
        private let loop: any EventLoop
        private var received = ""

        init(gateway: FakeGateway, head: HTTPRequestHead, answer: any LegacyAnswerWriter, loop: any EventLoop) {
            self.gateway = gateway
            self.head = head
            self.answer = answer
            self.loop = loop
        }

        func body(_ part: ByteBuffer) -> Bool {
            received += String(buffer: part)
            return true
        }

        func end() {
            let decide = gateway.state.withLock { state in
                state.bodies.append(received)
                return state.reply
            }
            finish(decide(head, received))
        }

        func cancel() {
            answer = nil
            gateway.state.withLock { $0.cancelled += 1 }
        }

        private func finish(_ reply: Reply) {
            guard let answer else { return }
            switch reply {
            case .answer(let status, let headers, let body):
                self.answer = nil
                if gateway.state.withLock({ $0.isRepeatable }) { answer.repeatable(Repeatable(gateway)) }
                answer.head(HTTPResponseHead(version: .http1_1, status: status, headers: headers))
                _ = answer.body(ByteBuffer(bytes: body))
                answer.end()
            case .failure(let failure):
                self.answer = nil
                answer.fail(failure)
            case .hold:
                let bound = NIOLoopBound(self, eventLoop: loop)
                let loop = loop
                gateway.state.withLock {
                    $0.heldForwards.append { reply in loop.execute { bound.value.finish(reply) } }
                }
            }
        }
    }
}
