import DoorbellCore
import DoorbellHub
import DoorbellServer
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOPosix
import Testing

@testable import DoorbellShim

/// Polls, and questions of the service, that wait for another one's answer.
@Suite struct WaitingPollTests {
    private final class Client: LegacyAnswerWriter {
        let loop: any EventLoop
        var said: [String] = []

        init(_ loop: any EventLoop) { self.loop = loop }

        func wantsBody() {}
        func head(_ head: HTTPResponseHead) { said.append("\(head.status.code)") }
        func body(_ part: ByteBuffer) -> EventLoopFuture<Void> {
            said.append(String(buffer: part))
            return loop.makeSucceededVoidFuture()
        }
        func end() { said.append("end") }
        func fail(_ failure: GatewayFailure) { said.append("failed \(failure.status.code)") }
    }

    /// One that asks, and room for those that wait for it.
    private struct Bench {
        let upstream: HTTPUpstream
        let cache: CachedPolls
        let catalog: FeatureCatalog
        let feature: Feature
        let caching: Feature.Caching
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/notes")
        let origin = RequestOrigin(address: nil, isTLS: false)

        init(_ identity: Feature.Caching.Identity) throws {
            caching = Feature.Caching(identity: identity)
            feature = Feature(
                name: "notes", poll: try PollPattern("GET /notes"), tables: [], channel: try ChannelTemplate("notes"),
                cache: caching)
            let now: @Sendable () -> Timestamp = { Timestamp(microseconds: 0) }
            let hub = Hub(now: now)
            hub.open(floor: Position(epoch: 1, tick: 1, seq: 0))
            var configuration = UpstreamConfiguration(url: "http://127.0.0.1:1")
            configuration.cacheLag = .seconds(3600)
            catalog = FeatureCatalog([feature])
            upstream = try HTTPUpstream(
                configuration: configuration, features: catalog, hub: hub, ledger: nil,
                group: MultiThreadedEventLoopGroup.singleton, now: now)
            cache = try #require(
                CachedPolls(features: [feature], hub: hub, configuration: configuration, now: now))
            cache.captureChanged(isLive: true)
            cache.covered(before: .now)
        }

        var key: CacheKey { CacheKey(head, from: origin, identity: .credentials, varying: []) }

        /// Takes the part of the one that asks.
        func ask(_ waiter: @autoclosure () -> CachedPolls.Waiter) throws -> CachedPoll.Asking {
            let request = SharedAnswers<CachedPolls.Waiter>.Request(
                key: key, writer: CacheKey(writer: head.headers), maxAge: .seconds(60), use: .any, mayAsk: true)
            guard case .ask(let asking) = cache.decide(request, channels: [], waiter: waiter()) else {
                throw CancellationError()
            }
            return asking
        }

        func poll(_ client: Client, _ headers: HTTPHeaders = [:], isPoll: Bool = true) throws -> CachedPoll {
            var head = head
            head.headers = headers
            return CachedPoll(
                upstream: upstream, cache: cache, head: head, poll: try #require(catalog.poll(matching: "/notes")),
                caching: caching, use: .any, from: origin, on: client.loop, answer: client, isPoll: isPoll)
        }
    }

    private func run(
        _ identity: Feature.Caching.Identity = .credentials, _ body: (Bench, EmbeddedEventLoop) throws -> Void
    ) async throws {
        let bench = try Bench(identity)
        let result = Result { try body(bench, EmbeddedEventLoop()) }
        try await bench.upstream.shutdown()
        try result.get()
    }

    @Test("one whose client leaves is let go at once, and so is a question whose time is over")
    func leaves() async throws {
        try await run { bench, loop in
            let idle = try bench.poll(Client(loop))
            let asking = try bench.ask(CachedPolls.Waiter(loop: loop, poll: NIOLoopBound(idle, eventLoop: loop)))
            let (one, other, stays) = (Client(loop), Client(loop), Client(loop))
            weak var left: CachedPoll?
            weak var late: CachedPoll?
            do {
                let poll = try bench.poll(one)
                poll.end()
                left = poll
                let question = try bench.poll(other, isPoll: false)
                question.end()
                late = question
                try bench.poll(stays).end()
                poll.cancel()
                question.expire()
            }
            #expect(left == nil && late == nil)
            let kept = CacheFixtures.answer("[1]")
            bench.cache.ended(asking, key: bench.key, with: nil, .answer(kept))
            loop.run()
            #expect(one.said == [] && other.said == ["failed 504"] && stays.said == ["200", "[1]", "end"])
        }
    }

    @Test("what others have learnt meanwhile of what answers vary by does not make an answer one for everybody")
    func varying() async throws {
        try await run(.public) { bench, loop in
            let (one, other) = (Client(loop), Client(loop))
            let asking = try bench.poll(one, ["cookie": "a"])
            asking.end()
            try bench.poll(other, ["cookie": "b"]).end()
            bench.cache.learn(varying: ["cookie"], of: bench.feature)
            let answer = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["vary": "Cookie"])
            #expect(!asking.mayKeep(answer), "its key does not tell cookies apart")
            // The other one asks for itself.
            loop.run()
            #expect(other.said == ["failed 503"])
            let next = try bench.poll(Client(loop), ["cookie": "a"])
            next.end()
            #expect(next.mayKeep(answer))
            loop.run()
        }
    }

    @Test("when the time of the one that asks is over, questions that wait fail with it, and polls ask for themselves")
    func late() async throws {
        try await run { bench, loop in
            let (poll, question) = (Client(loop), Client(loop))
            let waiting = try bench.poll(poll)
            let asking = try bench.ask(CachedPolls.Waiter(loop: loop, poll: NIOLoopBound(waiting, eventLoop: loop)))
            waiting.end()
            try bench.poll(question, isPoll: false).end()
            bench.cache.ended(asking, key: bench.key, with: nil, .late(GatewayFailure(.gatewayTimeout, "late")))
            loop.run()
            // The legacy API has no connections on this loop.
            #expect(question.said == ["failed 504"] && poll.said == ["failed 503"])
        }
    }
}
