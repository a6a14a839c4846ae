import DoorbellCore

/// Where a feed's news go: the newest of each for those who ask, and the iterations of the program. Any thread.
final class FeedSink: Sendable {
    /// Changes that may wait in one iteration.
    static let maximumWaiting = 4096

    typealias Stream<Element> = AsyncThrowingStream<Element, any Error>

    private enum Listener: Sendable {
        case states(Stream<JSONValue>.Continuation)
        case changes(Stream<FeedMessage>.Continuation)
        case messages(Stream<FeedMessage>.Continuation)
        case statuses(Stream<FeedStatus>.Continuation)

        func finish(_ error: (any Error)?) {
            switch self {
            case .states(let each): each.finish(throwing: error)
            case .changes(let each), .messages(let each): each.finish(throwing: error)
            case .statuses(let each): each.finish(throwing: error)
            }
        }
    }

    private struct Contents: Sendable {
        var state: JSONValue?
        var status = FeedStatus(transport: .poll, reason: "starting")
        var statistics = FeedStatistics()
        var listeners: [Int: Listener] = [:]
        var last = 0
        var isEnded = false
        var error: FeedError?
        /// Ends the feed.
        var close: (@Sendable () -> Void)?
    }

    private let contents = Locked(Contents())

    var isEnded: Bool { contents.withLock { $0.isEnded } }
    var state: JSONValue? { contents.withLock { $0.state } }
    var status: FeedStatus { contents.withLock { $0.status } }
    var statistics: FeedStatistics {
        get { contents.withLock { $0.statistics } }
        set { contents.withLock { $0.statistics = newValue } }
    }

    func onClose(_ close: @escaping @Sendable () -> Void) { contents.withLock { $0.close = close } }

    // MARK: News

    func tell(_ news: OriginMachine.News) {
        switch news {
        case .state(let state):
            contents.withLock { contents in
                contents.state = state
                for case .states(let each) in contents.listeners.values { each.yield(state) }
            }
        case .status(let status):
            contents.withLock { contents in
                guard status != contents.status else { return }
                contents.status = status
                for case .statuses(let each) in contents.listeners.values { each.yield(status) }
            }
        case .change(let message):
            finishSlow { if case .changes(let each) = $0 { each.yield(message) } else { nil } }
        case .message(let message):
            finishSlow { if case .messages(let each) = $0 { each.yield(message) } else { nil } }
        case .end: end(nil)
        }
    }

    private func finishSlow(_ yield: (Listener) -> Stream<FeedMessage>.Continuation.YieldResult?) {
        let slow = contents.withLock { contents in
            contents.listeners.filter { if case .dropped = yield($0.value) { true } else { false } }
        }
        for each in slow.values { each.finish(FeedError.tooSlow(limit: Self.maximumWaiting)) }
    }

    /// There will be no more news.
    func end(_ error: FeedError?) {
        // Finishing calls back, so not under the lock.
        let listeners = contents.withLock { contents in
            defer { contents.listeners = [:] }
            contents.isEnded = true
            contents.error = error
            contents.close = nil
            contents.status = FeedStatus(transport: .poll, reason: error?.description ?? "closed")
            return contents.listeners
        }
        for each in listeners.values { each.finish(error) }
    }

    // MARK: Iterations

    func states() -> Stream<JSONValue> {
        Stream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            listen(.states(continuation)) { number in
                continuation.onTermination = { [self] _ in forget(number) }
            }
        }
    }

    func statuses() -> Stream<FeedStatus> {
        Stream(bufferingPolicy: .bufferingNewest(16)) { continuation in
            listen(.statuses(continuation)) { number in
                continuation.onTermination = { [self] _ in forget(number) }
            }
        }
    }

    func changes() -> Stream<FeedMessage> {
        Stream(bufferingPolicy: .bufferingOldest(Self.maximumWaiting)) { continuation in
            listen(.changes(continuation)) { number in
                continuation.onTermination = { [self] _ in forget(number) }
            }
        }
    }

    func messages() -> Stream<FeedMessage> {
        Stream(bufferingPolicy: .bufferingOldest(Self.maximumWaiting)) { continuation in
            listen(.messages(continuation)) { number in
                continuation.onTermination = { [self] _ in forget(number) }
            }
        }
    }

    private func listen(_ listener: Listener, registered: (Int) -> Void) {
        let number: Int? = contents.withLock { contents in
            switch listener {
            case .states(let each): if let state = contents.state { each.yield(state) }
            case .statuses(let each): each.yield(contents.status)
            case .changes, .messages: break
            }
            if contents.isEnded { return nil }
            contents.last += 1
            contents.listeners[contents.last] = listener
            return contents.last
        }
        guard let number else { return listener.finish(contents.withLock { $0.error }) }
        registered(number)
    }

    /// An iteration has ended; with the last one the feed does.
    private func forget(_ number: Int) {
        let close = contents.withLock { contents in
            guard contents.listeners.removeValue(forKey: number) != nil else { return nil as (@Sendable () -> Void)? }
            return contents.listeners.isEmpty ? contents.close : nil
        }
        close?()
    }

    /// Nobody holds the feed any more: it ends now, or with the last iteration.
    func release() {
        let close = contents.withLock { $0.listeners.isEmpty ? $0.close : nil }
        close?()
    }
}
