/// A polled URL that is followed: polled as a loop would, pushed to while the server says so and push is proven to work, and polled
/// again the moment it is not.
///
/// ```swift
/// let feed = LiveFeed("https://app.example/api/notifications", interval: .seconds(3), rows: RowList(order: "-id"))
/// for try await state in feed.states { show(state) }
/// ```
///
/// It begins at once. It ends with ``close()``, when the last iteration of it ends, and when nobody holds it and nobody iterates.
/// Each of ``states``, ``changes``, ``messages`` and ``statuses`` makes a new iteration, for one task. They end without an error
/// when the feed does, and throw ``FeedError``.
public final class LiveFeed: Sendable {
    enum Action: Sendable {
        case close
        case listen
        case refresh(CheckedContinuation<Void, Never>)
    }

    public let url: String
    private let sink: FeedSink
    private let perform: @Sendable (Action) -> Void

    init(url: String, _ parts: LiveClient.Parts) {
        self.url = url
        (sink, perform) = parts
    }

    /// Follows a URL with a client of its own; see ``LiveClient/feed(_:interval:rows:options:headers:)``. Feeds that are to share a
    /// connection belong to one ``LiveClient``.
    public convenience init(
        _ url: String, interval: Duration = .seconds(3), rows: RowList? = nil, options: FeedOptions = FeedOptions(),
        settings: LiveClient.Settings = LiveClient.Settings()
    ) {
        self.init(url: url, LiveClient(settings).begin(url, interval, rows, options, []))
    }

    deinit { sink.release() }

    /// The whole state: the present one, and each one that follows. Whoever is slow gets the newest.
    public var states: AsyncThrowingStream<JSONValue, any Error> { sink.states() }

    /// Each row change from now on, once, in order, also those that were missed while there was no connection. While the feed polls
    /// there are none but those that push catches up on.
    ///
    /// 4,096 may wait to be taken; with more, the iteration throws ``FeedError/tooSlow(limit:)``.
    public var changes: AsyncThrowingStream<FeedMessage, any Error> {
        perform(.listen)
        return sink.changes()
    }

    /// Each direct message from now on; as ``changes``.
    public var messages: AsyncThrowingStream<FeedMessage, any Error> {
        perform(.listen)
        return sink.messages()
    }

    /// What brings the data, and why: now, and whenever that changes. Whoever is slow gets the newest 16.
    public var statuses: AsyncThrowingStream<FeedStatus, any Error> { sink.statuses() }

    /// The newest state; `nil` before there is one.
    public var state: JSONValue? { sink.state }
    public var status: FeedStatus { sink.status }
    public var statistics: FeedStatistics { sink.statistics }

    /// Fetches the whole state now. Returns when that has ended, whether or not it worked.
    public func refresh() async {
        if sink.isEnded { return }
        await withCheckedContinuation { perform(.refresh($0)) }
    }

    /// Ends it: no timer, request or subscription is left.
    public func close() { perform(.close) }
}
