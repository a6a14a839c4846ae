import AsyncHTTPClient
import DoorbellCore
import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Does what an ``OriginMachine`` says: sends polls, opens the connection, tells the programs. Lives on its event loop.
final class OriginDriver {
    /// How long a poll may take, with all that belongs to it.
    static let pollTimeout = TimeAmount.seconds(30)

    private struct RequestID: Hashable {
        let feed: Int
        let request: Int
    }

    private struct Poll {
        let entityTag: String?
        let timeout: Scheduled<Void>
        /// Of ``TokenKeeper/get(_:)``.
        var waiting: Int?
        var task: HTTPClient.Task<HTTPClient.Response>?
        var hasRenewed = false
    }

    private struct Feed {
        let url: String
        let headers: [(String, String)]
        let sink: FeedSink
        /// Those who wait until no poll is under way.
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let loop: any EventLoop
    private let client: LiveClient.Settings
    private let socketURL: String
    private let tokens: TokenKeeper
    private let start = NIODeadline.now()
    private var machine: OriginMachine
    private var feeds: [Int: Feed] = [:]
    private var polls: [RequestID: Poll] = [:]
    private var timer: (at: Duration, scheduled: Scheduled<Void>)?
    private var connection: DoorbellConnection?
    /// The token that the connection was opened with.
    private var connectionToken: String?
    /// Of the attempt or connection that is listened to: one that was given up may still speak.
    private var attempt = 0
    private var waitingAttempt: Int?

    init(loop: any EventLoop, client: LiveClient.Settings, socketURL: String, tokens: TokenKeeper) {
        self.loop = loop
        self.client = client
        self.socketURL = socketURL
        self.tokens = tokens
        machine = OriginMachine(renews: tokens.hasSource) { Double.random(in: 0..<1) }
    }

    private var bound: NIOLoopBound<OriginDriver> { NIOLoopBound(self, eventLoop: loop) }
    private var now: Duration { .nanoseconds((NIODeadline.now() - start).nanoseconds) }

    // MARK: Feeds

    func begin(_ id: Int, url: String, headers: [(String, String)], sink: FeedSink, _ make: (Duration) -> FeedMachine) {
        feeds[id] = Feed(url: url, headers: headers, sink: sink)
        handle(.begin(feed: id, make(now)))
    }

    func close(_ id: Int) { handle(.feed(id, .close)) }

    func closeAll() -> EventLoopFuture<ConnectionEnd>? {
        let closed = connection?.closed
        for id in feeds.keys.sorted() { close(id) }
        return closed
    }

    func listen(_ id: Int) { handle(.feed(id, .listen)) }

    func refresh(_ id: Int, _ waiting: CheckedContinuation<Void, Never>) {
        guard feeds[id] != nil else { return waiting.resume() }
        feeds[id]?.waiting.append(waiting)
        handle(.feed(id, .refresh))
        settle(id)
    }

    private func settle(_ id: Int) {
        guard !polls.keys.contains(where: { $0.feed == id }), let waiting = feeds[id]?.waiting else { return }
        feeds[id]?.waiting = []
        for each in waiting { each.resume() }
    }

    // MARK: The machine

    private func handle(_ event: OriginMachine.Event) {
        for effect in machine.handle(event, at: now) {
            switch effect {
            case .fetch(let feed, let request, let tag): fetch(RequestID(feed: feed, request: request), tag)
            case .abort(let feed, let request):
                finish(RequestID(feed: feed, request: request))?.task?.cancel()
            case .connect: connect()
            case .send(let message): send(message)
            case .drop: drop()
            case .renewToken: renewToken()
            case .discardToken: tokens.discard(connectionToken)
            case .tokenEnds(let time):
                let seconds = time / 1000 - Date().timeIntervalSince1970
                handle(.connection(.expires(in: .seconds(min(max(0, seconds), 1e9)))))
            case .tell(let feed, let news): tell(feed, news)
            }
        }
        for (id, feed) in feeds {
            if let statistics = machine.statistics(of: id) { feed.sink.statistics = statistics }
        }
        arm()
    }

    private func tell(_ id: Int, _ news: OriginMachine.News) {
        feeds[id]?.sink.tell(news)
        guard case .end = news else { return }
        settle(id)
        feeds[id] = nil
    }

    private func arm() {
        let wake = machine.wake
        if let timer, timer.at == wake { return }
        timer?.scheduled.cancel()
        timer = nil
        guard wake < .never else { return }
        let delay = min(max(wake - now, .zero), .seconds(86_400))
        let bound = bound
        let scheduled = loop.scheduleTask(in: TimeAmount(delay)) {
            bound.value.timer = nil
            bound.value.handle(.time)
        }
        timer = (wake, scheduled)
    }

    // MARK: Polls

    private func fetch(_ id: RequestID, _ entityTag: String?) {
        let bound = bound
        let timeout = loop.scheduleTask(in: Self.pollTimeout) {
            bound.value.finish(id)?.task?.cancel()
            bound.value.failed(id, "no answer within 30 s")
        }
        polls[id] = Poll(entityTag: entityTag, timeout: timeout)
        authorize(id)
    }

    private func authorize(_ id: RequestID) {
        let waiting = tokens.get { [weak self] result in
            switch result {
            case .success(let token): self?.send(id, token)
            case .failure(let error): self?.failed(id, "no token: \(error)")
            }
        }
        if let waiting { polls[id]?.waiting = waiting }
    }

    private func send(_ id: RequestID, _ token: String?) {
        guard let poll = polls[id], let feed = feeds[id.feed] else { return }
        var headers = HTTPHeaders([("Accept", "application/json")])
        if let token { headers.replaceOrAdd(name: "Authorization", value: "Bearer \(token)") }
        for (name, _) in client.headers + feed.headers { headers.remove(name: name) }
        for (name, value) in client.headers + feed.headers { headers.add(name: name, value: value) }
        if let tag = poll.entityTag { headers.replaceOrAdd(name: "If-None-Match", value: tag) }
        do {
            let request = try HTTPClient.Request(url: feed.url, headers: headers)
            let limit = min(max(0, client.maximumBodySize), 1 << 31)
            let task = client.httpClient.execute(
                request: request,
                delegate: ResponseAccumulator(request: request, maxBodySize: limit))
            polls[id]?.task = task
            let bound = bound
            task.futureResult.hop(to: loop).whenComplete { bound.value.answered(id, token, $0) }
        } catch {
            failed(id, Self.sentence(error))
        }
    }

    private func answered(_ id: RequestID, _ token: String?, _ result: Result<HTTPClient.Response, any Error>) {
        guard let poll = polls[id] else { return }
        switch result {
        case .failure(let error): failed(id, Self.sentence(error))
        case .success(let response):
            if response.status == .unauthorized, let token, !poll.hasRenewed {
                tokens.discard(token)
                polls[id]?.hasRenewed = true
                polls[id]?.task = nil
                return authorize(id)
            }
            _ = finish(id)
            handle(.feed(id.feed, .answer(request: id.request, PollAnswer(response))))
            settle(id.feed)
        }
    }

    private func failed(_ id: RequestID, _ reason: String) {
        _ = finish(id)
        handle(.feed(id.feed, .failed(request: id.request, reason: reason)))
        settle(id.feed)
    }

    private func finish(_ id: RequestID) -> Poll? {
        guard let poll = polls.removeValue(forKey: id) else { return nil }
        poll.timeout.cancel()
        if let waiting = poll.waiting { tokens.forget(waiting) }
        return poll
    }

    private static func sentence(_ error: any Error) -> String {
        NetworkProblem.sentence(error)
    }

    // MARK: The connection

    private func connect() {
        attempt += 1
        let number = attempt
        waitingAttempt = tokens.get { [weak self] result in
            guard let self, number == attempt else { return }
            waitingAttempt = nil
            switch result {
            case .success(let token): open(number, token)
            case .failure(let error): closed(number, ConnectionEnd.lost("no token: \(error)"))
            }
        }
    }

    private func open(_ number: Int, _ token: String?) {
        connectionToken = token
        var headers = client.headers
        var subprotocols = ["doorbell.v1"]
        switch client.tokenCarrier {
        case .header: if let token { headers.append(("Authorization", "Bearer \(token)")) }
        case .subprotocol: if let token { subprotocols.append("bearer.\(token)") }
        }
        let bound = bound
        DoorbellConnection.open(
            to: socketURL, headers: headers, subprotocols: subprotocols, group: loop, options: client.connection,
            onMessage: { bytes in bound.value.received(number, bytes) }
        ).hop(to: loop).whenComplete { bound.value.opened(number, $0) }
    }

    private func opened(_ number: Int, _ result: Result<DoorbellConnection, any Error>) {
        switch result {
        case .success(let connection):
            guard number == attempt else { return connection.startClosing() }
            self.connection = connection
            let bound = bound
            connection.closed.hop(to: loop).whenSuccess { bound.value.closed(number, $0) }
            // Its answer says until when the token is good.
            if let connectionToken { send(Self.refresh(connectionToken)) }
            handle(.connection(.opened))
        case .failure(let error):
            var code: UInt16 = 1006
            if case ConnectError.refused(let refusal) = error {
                if refusal.status == 401 { code = CloseCode.unauthenticated.number }
                if refusal.status == 403 { code = CloseCode.notAllowed.number }
            }
            closed(number, ConnectionEnd(cause: .lost, code: CloseCode(number: code, reason: "\(error)")))
        }
    }

    private func received(_ number: Int, _ bytes: [UInt8]) {
        guard number == attempt else { return }
        handle(.connection(.received(try? JSONValue(parsing: bytes))))
    }

    private func closed(_ number: Int, _ end: ConnectionEnd) {
        guard number == attempt else { return }
        connection = nil
        attempt += 1
        handle(.connection(.closed(code: end.code.number, reason: end.code.reason)))
    }

    private func send(_ message: JSONValue) {
        // A connection that is lost meanwhile says so by ending.
        connection?.write(message.json).whenFailure { _ in }
    }

    private func drop() {
        attempt += 1
        if let waitingAttempt { tokens.forget(waitingAttempt) }
        waitingAttempt = nil
        connection?.startClosing()
        connection = nil
    }

    private func renewToken() {
        tokens.discard(connectionToken)
        let number = attempt
        tokens.get { [weak self] result in
            guard let self, number == attempt, let token = try? result.get() else { return }
            connectionToken = token
            handle(.connection(.report(Self.refresh(token))))
        }
    }

    private static func refresh(_ token: String) -> JSONValue {
        ["type": "refresh", "token": .string(token), "id": "token"]
    }
}

extension PollAnswer {
    fileprivate init(_ response: HTTPClient.Response) {
        let headers = response.headers
        self.init(
            status: Int(response.status.code), contentType: headers.first(name: "Content-Type"),
            entityTag: headers.first(name: "ETag"), position: headers.first(name: "Doorbell-Position"),
            feature: headers.first(name: "Doorbell-Feature"), transport: headers.first(name: "Doorbell-Transport"),
            isDeprecated: headers.contains(name: "Deprecation"),
            body: response.body.map { Array($0.readableBytesView) } ?? [])
    }
}
