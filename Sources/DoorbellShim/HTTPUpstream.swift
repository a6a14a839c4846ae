import AsyncHTTPClient
public import DoorbellCore
public import DoorbellHub
public import DoorbellRollout
public import DoorbellServer
public import NIOCore
public import NIOHTTP1
import NIOSSL

/// The legacy API behind a correct reverse proxy: everything streams, nothing is retried, redirects and compressed bodies
/// pass as they are.
///
/// Each request stays on its client's event loop, with upstream connections of that loop. What AsyncHTTPClient does not let
/// through: targets that are not in RFC 3986's alphabet are percent-encoded (`{` becomes `%7B`), `OPTIONS *` is refused,
/// trailers are dropped, and a request is always sent as HTTP/1.1. It upgrades nothing either: see ``UpstreamTunnel``.
public final class HTTPUpstream: LegacyGateway {
    let configuration: UpstreamConfiguration
    /// One for each event loop, by its identity: a client that spans loops keeps no idle connections for requests that insist
    /// on theirs, and would open one for every request.
    private let clients: [ObjectIdentifier: HTTPClient]
    let observer: PollObserver
    let health = UpstreamHealth()
    private let features: FeatureCatalog
    private let hub: Hub
    private let rollouts: RolloutBoard
    let now: @Sendable () -> Timestamp
    private let base: String
    private let place: UpstreamTunnel.Address
    /// The legacy API's host and port, for texts.
    let address: String
    private let slots: [ObjectIdentifier: NIOLoopBoundBox<UpstreamSlots>]
    private let isCaptureLive = Locked(false)
    /// `nil`: no feature has a cache.
    private let cache: CachedPolls?

    /// - Parameters:
    ///   - group: The server's own event loops.
    ///   - ledger: Where polls are counted.
    ///   - parity: Where they are compared with what was published.
    ///   - rollouts: Where the features stand; `nil`: where the configuration lets them begin, for ever.
    ///   - pollers: Is told who polls still.
    ///   - radio: Is told when they do.
    ///   - now: Wall clock.
    /// - Throws: ``DoorbellError`` with code `configuration` when the URL is not one.
    public init(
        configuration: UpstreamConfiguration, features: FeatureCatalog, hub: Hub, ledger: LedgerRecorder?,
        parity: ParityRecorder? = nil, rollouts: RolloutBoard? = nil, pollers: PollerBook? = nil,
        radio: RadioSampler? = nil, group: any EventLoopGroup, now: @escaping @Sendable () -> Timestamp
    ) throws(DoorbellError) {
        var base = configuration.url
        while base.hasSuffix("/") { base.removeLast() }
        guard base.hasPrefix("http://") || base.hasPrefix("https://"),
            let probe = try? HTTPClient.Request(url: base + "/"), !probe.host.isEmpty, !base.contains("?")
        else {
            throw DoorbellError(
                .configuration, "'\(configuration.url)' is not the URL of a legacy API",
                hint: "Write `upstream` like http://127.0.0.1:3000")
        }
        self.configuration = configuration
        self.features = features
        self.hub = hub
        let rollouts = rollouts ?? RolloutBoard(features: features.features)
        self.rollouts = rollouts
        self.now = now
        self.base = base
        self.address = "\(probe.host):\(probe.port)"
        do {
            let path = base.drop { $0 != ":" }.dropFirst(3).drop { $0 != "/" }
            self.place = UpstreamTunnel.Address(
                host: probe.host, port: probe.port,
                tls: base.hasPrefix("https://") ? try NIOSSLContext(configuration: configuration.tls) : nil,
                path: String(path))
        } catch {
            throw DoorbellError(.system, "TLS for the legacy API cannot be set up: \(error)")
        }
        self.observer = PollObserver(
            features: features.features, hub: hub, ledger: ledger, parity: parity, rollouts: rollouts, pollers: pollers,
            radio: radio,
            capacity: configuration.rememberedPolls, now: now)
        self.cache = CachedPolls(features: features.features, hub: hub, configuration: configuration, now: now)
        var settings = HTTPClient.Configuration()
        settings.redirectConfiguration = .disallow
        settings.decompression = .disabled
        settings.tlsConfiguration = configuration.tls
        settings.httpVersion = .http1Only
        settings.timeout = .init(
            connect: configuration.connectTimeout, read: configuration.answerTimeout, write: configuration.answerTimeout
        )
        settings.connectionPool.idleTimeout = configuration.idleTimeout
        settings.connectionPool.retryConnectionEstablishment = false
        settings.http1_1ConnectionDebugInitializer = { UpstreamHeadGuard.add(to: $0) }
        let loops = Array(group.makeIterator())
        let capacity = max(1, configuration.maximumRequests / max(1, loops.count))
        settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = capacity
        var slots: [ObjectIdentifier: NIOLoopBoundBox<UpstreamSlots>] = [:]
        var clients: [ObjectIdentifier: HTTPClient] = [:]
        for loop in loops {
            clients[ObjectIdentifier(loop)] = HTTPClient(eventLoopGroupProvider: .shared(loop), configuration: settings)
            slots[ObjectIdentifier(loop)] = .makeBoxSendingValue(
                UpstreamSlots(
                    capacity: capacity, maximumWaiting: configuration.maximumWaiting / max(1, loops.count),
                    waitTimeout: configuration.waitTimeout),
                eventLoop: loop)
        }
        self.clients = clients
        self.slots = slots
    }

    /// Whether clients may be told to use push. Any thread.
    public func captureChanged(to status: CaptureStatus) {
        isCaptureLive.withLock { $0 = status.isLive }
        cache?.captureChanged(isLive: status.isLive)
    }

    /// Everything committed before `moment` is in the hub: what the cache's answers are measured by. Any thread.
    public func covered(before moment: ContinuousClock.Instant) { cache?.covered(before: moment) }

    /// Closes the connections. Call after the server has ended and before the group is shut down.
    public func shutdown() async throws { for client in clients.values { try await client.shutdown() } }

    /// Sends `request` on connections of `loop`; everything is called back there. `nil` for a loop that is not ours, which
    /// cannot come: client and server share the group.
    func execute<Delegate: HTTPClientResponseDelegate>(
        _ request: HTTPClient.Request, delegate: Delegate, on loop: any EventLoop
    ) -> HTTPClient.Task<Delegate.Response>? {
        clients[ObjectIdentifier(loop)]?.execute(
            request: request, delegate: delegate, eventLoop: .delegate(on: loop))
    }

    public var trouble: String? { health.trouble() }

    public var hasRepeatableAnswers: Bool { features.features.contains { $0.cache != nil } }

    public func forward(
        _ head: HTTPRequestHead, hasBody: Bool, from origin: RequestOrigin, on loop: any EventLoop,
        answer: any LegacyAnswerWriter
    ) -> any LegacyRequestWriter {
        let isPoll = head.method == .GET || head.method == .HEAD
        let poll = isPoll ? features.poll(matching: head.uri) : nil
        LoopClock.note(poll == nil ? nil : PolledRequest.path(head))
        if let poll, rollouts.stage(of: poll.feature) == .retired,
            let refused = RefusedPoll(
                poll, head, from: origin, upstream: self, position: hub.head,
                hasBody: hasBody, answer: answer)
        {
            return refused
        }
        if let cache {
            if let poll, let caching = poll.feature.cache, !poll.channels.isEmpty, !hasBody {
                let use = CacheRules.use(of: head, caching.revalidate)
                if use != .none {
                    return CachedPoll(
                        upstream: self, cache: cache, head: head, poll: poll, caching: caching, use: use, from: origin,
                        on: loop, answer: answer)
                }
            } else if !isPoll, head.method != .OPTIONS, head.method != .TRACE {
                let written = WrittenAnswer(to: answer, of: head.headers, cache: cache)
                return exchange(head, hasBody: hasBody, from: origin, on: loop, answer: written)
            }
        }
        return pass(head, hasBody: hasBody, poll: poll, from: origin, on: loop, answer: answer)
    }

    /// What a client is told with the answer to its poll.
    func guidance(_ poll: FeatureCatalog.Poll, headers: HTTPHeaders, from origin: RequestOrigin) -> PollGuidance {
        let feature = poll.feature
        let usesPush =
            !poll.channels.isEmpty && isCaptureLive.withLock { $0 }
            && rollouts.usesPush(feature, headers: headers, from: origin)
        guard rollouts.stage(of: feature) == .retired else { return PollGuidance(usesPush: usesPush) }
        return PollGuidance(
            usesPush: usesPush, verdict: feature.retirement.verdict(at: now()),
            notices: feature.retirement.fields(since: rollouts[feature.name]?.entry?.since))
    }

    func watch(
        _ poll: FeatureCatalog.Poll, _ head: HTTPRequestHead, from origin: RequestOrigin, position: Position?
    ) -> PollWatch {
        PollWatch(
            poll: poll, head: head, position: position,
            guidance: guidance(poll, headers: head.headers, from: origin),
            caller: observer.caller(poll.feature, head.headers, from: origin),
            parity: observer.parity?.begins(poll, head, position: position))
    }

    /// Sends a request on; a poll's answer is watched.
    func pass(
        _ head: HTTPRequestHead, hasBody: Bool, poll: FeatureCatalog.Poll?, from origin: RequestOrigin,
        on loop: any EventLoop, answer: any LegacyAnswerWriter
    ) -> UpstreamExchange {
        guard let poll else { return exchange(head, hasBody: hasBody, from: origin, on: loop, answer: answer) }
        let watched = WatchedAnswer(
            to: answer, of: head, watch: watch(poll, head, from: origin, position: hub.head), observer: observer,
            loop: loop)
        return exchange(head, hasBody: hasBody, from: origin, on: loop, answer: watched)
    }

    func exchange(
        _ head: HTTPRequestHead, hasBody: Bool, from origin: RequestOrigin, on loop: any EventLoop,
        answer: any LegacyAnswerWriter
    ) -> UpstreamExchange {
        let exchange = UpstreamExchange(upstream: self, loop: loop, answer: answer)
        do {
            exchange.start(
                try request(head, hasBody: hasBody, from: origin, exchange: exchange), hasBody: hasBody,
                slots: slots(of: loop))
        } catch {
            exchange.refuse(GatewayFailure(.badRequest, "this request cannot be passed on: \(error)"))
        }
        return exchange
    }

    public func tunnel(
        _ head: HTTPRequestHead, from origin: RequestOrigin, on loop: any EventLoop, answer: any LegacyTunnelWriter
    ) -> any LegacyRequestWriter {
        var headers = ProxyHeaders.request(head.headers, from: origin)
        headers.add(name: "connection", value: "Upgrade")
        headers.add(name: "upgrade", value: "websocket")
        let tunnel = UpstreamTunnel(upstream: self, loop: loop, answer: answer)
        tunnel.start(
            HTTPRequestHead(version: .http1_1, method: .GET, uri: place.path + head.uri, headers: headers), at: place)
        return tunnel
    }

    public func ask(
        _ target: String, headers: HTTPHeaders, from origin: RequestOrigin, on loop: any EventLoop
    ) -> EventLoopFuture<PollAnswer> {
        let question = UpstreamQuestion(upstream: self, loop: loop)
        do {
            let request = try HTTPClient.Request(
                url: base + target, method: .GET, headers: ProxyHeaders.request(headers, from: origin))
            return question.start(request, slots: slots(of: loop))
        } catch {
            return loop.makeFailedFuture(GatewayFailure(.badRequest, "this URL cannot be asked for: \(error)"))
        }
    }

    public func answered(_ held: HeldAnswer) {
        let poll = held.poll
        var request = PolledRequest(
            poll, held.head, guidance: guidance(poll, headers: held.head.headers, from: held.origin),
            caller: observer.caller(poll.feature, held.head.headers, from: held.origin))
        if held.seconds != nil { request.path = .held }
        let isWhole = held.status != .notModified
        var answer = PolledAnswer(
            status: held.status, digest: isWhole ? PollWatch.digest(of: held.body, status: held.status) : nil,
            bytesDown: ProxyHeaders.size(of: held.headers, startLine: 13 + held.status.reasonPhrase.utf8.count)
                + held.body.readableBytes, length: held.body.readableBytes, position: held.position)
        answer.servedBy = held.originRequests > 0 ? .origin : .cache
        answer.originRequests = held.originRequests
        answer.seconds = held.seconds ?? 0
        observer.answered(request, answer)
    }

    public func askTogether(
        _ target: String, headers: HTTPHeaders, isPoll: Bool, from origin: RequestOrigin, on loop: any EventLoop
    ) -> EventLoopFuture<PollAnswer> {
        guard let cache, let poll = features.poll(matching: target), !poll.channels.isEmpty,
            let caching = poll.feature.cache ?? (poll.feature.mode == .answer ? CachedPolls.ofQuestions : nil)
        else {
            return ask(target, headers: headers, from: origin, on: loop)
        }
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: target, headers: headers)
        // Browsers send `no-cache` with every handshake; what is asked for after a change is never older than it.
        let use = CacheRules.use(of: head, isPoll ? caching.revalidate : .log)
        guard use != .none else { return ask(target, headers: headers, from: origin, on: loop) }
        let collector = AnswerCollector(maximumBody: configuration.maximumAskBody, loop: loop)
        let question = CachedPoll(
            upstream: self, cache: cache, head: head, poll: poll, caching: caching, use: use, from: origin, on: loop,
            answer: collector, isPoll: false)
        let bound = NIOLoopBound(question, eventLoop: loop)
        let deadline = loop.scheduleTask(in: configuration.askTimeout) { bound.value.expire() }
        collector.answer.whenComplete { _ in deadline.cancel() }
        question.end()
        return collector.answer.map { answer in
            var answer = answer
            answer.originRequests = bound.value.originRequests
            return answer
        }
    }

    private func request(
        _ head: HTTPRequestHead, hasBody: Bool, from origin: RequestOrigin, exchange: UpstreamExchange
    ) throws -> HTTPClient.Request {
        guard head.uri.hasPrefix("/") else { throw HTTPClientError.invalidURL }
        let length = head.headers.first(name: "content-length").flatMap { Int64($0) }
        let body: HTTPClient.Body? =
            hasBody ? .stream(contentLength: length) { writer in exchange.bodyWanted(by: writer) } : nil
        return try HTTPClient.Request(
            url: base + head.uri, method: head.method, headers: ProxyHeaders.request(head.headers, from: origin),
            body: body)
    }

    private func slots(of loop: any EventLoop) -> UpstreamSlots? { slots[ObjectIdentifier(loop)]?.value }
}
