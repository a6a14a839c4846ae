import CoreMetrics
import DoorbellCore
import DoorbellHub
import DoorbellShim
import DoorbellTranslate
import Logging

/// From capture to the hub: each change is translated and published, on capture's thread, in order.
///
/// This is the picture's left side in one function, ``deliver(_:queries:)``; everything in it is decided elsewhere.
final class ChangePipeline: ChangeSink {
    private let hub: Hub
    private let parity: ParityRecorder
    private let translator: Translator
    private let deadLetters: Locked<DeadLetterList>
    private let watch = Locked(CaptureWatch())
    /// Held while the others are told, so that nobody is told an old status last.
    private let telling = Locked(())
    private let onStatus: @Sendable (CaptureStatus) -> Void
    private let onCovered: @Sendable (ContinuousClock.Instant) -> Void
    private let commentary: Commentary?
    private let tail: TailBoard?
    private let logger: Logger
    /// 1 while changes are delivered as they are committed. Not for capture to write, which cannot know that its database is frozen.
    private let listenerUp = Gauge(label: "doorbell_listener_up")
    /// Changes that a feature could not translate.
    private let lettersTotal = Counter(label: "doorbell_dead_letters_total")

    init(
        hub: Hub, features: [Feature], parity: ParityRecorder, commentary: Commentary?, tail: TailBoard? = nil,
        logger: Logger,
        onStatus: @escaping @Sendable (CaptureStatus) -> Void,
        onCovered: @escaping @Sendable (ContinuousClock.Instant) -> Void = { _ in }
    ) {
        self.commentary = commentary
        self.tail = tail
        self.hub = hub
        self.parity = parity
        self.translator = Translator(features: features)
        self.deadLetters = Locked(DeadLetterList())
        self.logger = logger
        self.onStatus = onStatus
        self.onCovered = onCovered
    }

    var captureStatus: CaptureStatus { watch.withLock { $0.status } }

    /// The newest dead letters, newest first, and how many there ever were.
    var letters: (newest: [DeadLetter], total: Int) { deadLetters.withLock { ($0.newest, $0.total) } }

    func logOpened(floor: Position, replayingTo: Position?) {
        hub.open(floor: floor)
    }

    func deliver(_ batch: ChangeBatch, queries: any ChannelQueryRunner) {
        heard()
        let queries = HeardQueries(queries, onEnd: heard)
        var drafts: [Draft] = []
        drafts.reserveCapacity(batch.changes.count)
        for change in batch.changes { collect(translator.translate(change, queries: queries), into: &drafts) }
        for message in batch.messages { collect(translator.translate(message), into: &drafts) }
        for unreadable in batch.unreadable {
            collect(translator.translate(unreadable), into: &drafts)
        }
        // Messages and rows that could not be read stand between the changes; positions in a channel must not go back.
        if !batch.messages.isEmpty || !batch.unreadable.isEmpty { drafts.sort { $0.position < $1.position } }
        if let commentary, captureStatus.isLive {
            for draft in drafts { commentary.captured(draft, now: SystemClock.now()) }
        }
        if captureStatus.isLive { tail?.captured(drafts) }
        hub.publish(drafts, head: batch.head)
        heard()
        if let committed = batch.changes.last?.committedAt {
            parity.published(after: SystemClock.now().seconds(since: committed))
        }
    }

    private func collect(_ translation: Translation, into drafts: inout [Draft]) {
        drafts += translation.drafts
        guard !translation.deadLetters.isEmpty else { return }
        lettersTotal.increment(by: translation.deadLetters.count)
        for letter in translation.deadLetters {
            deadLetters.withLock { $0.record(letter) }
            logger.warning("A change could not be translated", metadata: ["letter": "\(letter)"])
        }
    }

    // MARK: Whether it lives

    func captureChanged(to status: CaptureStatus) { move { $0.says(status) } }

    func covered(before moment: ContinuousClock.Instant) {
        heard()
        onCovered(moment)
    }

    private func heard() {
        if let new = move({ $0.heard() }) {
            logger.notice("the database speaks again", metadata: ["capture": "\(new.words)"])
        }
    }

    /// To be called once a second, from outside capture's thread, which may be waiting for the database.
    @Sendable func look() {
        if let new = move({ $0.look() }) {
            logger.warning("capture is down", metadata: ["doorbell.reason": "\(new.words)"])
        }
    }

    @discardableResult
    private func move(_ step: (inout CaptureWatch) -> CaptureStatus?) -> CaptureStatus? {
        telling.withLock { _ in
            guard let new = watch.withLock(step) else { return nil }
            listenerUp.record(new.isLive ? 1 : 0)
            onStatus(new)
            return new
        }
    }
}
