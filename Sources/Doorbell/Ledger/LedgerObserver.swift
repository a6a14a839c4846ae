public import DoorbellCore
public import DoorbellRollout
public import DoorbellServer

/// Writes what the server pushed into the ledger, into the commentary when there is one, and shows it to whoever watches.
public struct LedgerObserver: ServerObserver {
    private let ledger: LedgerRecorder
    private let commentary: Commentary?
    private let tail: TailBoard?

    public init(ledger: LedgerRecorder) { self.init(ledger: ledger, commentary: nil, tail: nil) }

    init(ledger: LedgerRecorder, commentary: Commentary?, tail: TailBoard?) {
        self.ledger = ledger
        self.commentary = commentary
        self.tail = tail
    }

    public func delivered(_ delivery: PushDelivery) {
        record(delivery)
        tail?.told(delivery)
        guard let commentary else { return }
        for publication in delivery.publications {
            commentary.told(publication, subscribers: delivery.subscribers, now: delivery.at)
        }
    }

    public func caughtUp(_ delivery: PushDelivery) { record(delivery) }

    private func record(_ delivery: PushDelivery) {
        guard let feature = delivery.publications.first?.feature else { return }
        let pollers = delivery.pollers
        ledger.recordPush(
            of: feature.name,
            Ledger.Push(
                subscribers: delivery.subscribers - pollers.subscribers, bytes: delivery.bytes - pollers.bytes),
            pollers: pollers, staleness: delivery.publications.lazy.map { delivery.at.seconds(since: $0.committedAt) })
        guard delivery.waitingBytes > 0 else { return }
        var buffers = SendBuffers()
        buffers.waitingBytes = UInt64(delivery.waitingBytes)
        // Whose they are is not known of each: those who are told to use push, where there are any.
        ledger.recordBuffers(
            of: feature.name, cohort: delivery.subscribers > pollers.subscribers ? .push : .poll, buffers)
    }

    public func subscribed(_ subscription: PushSubscription) {
        ledger.recordSubscribed(
            to: subscription.feature.name, cohort: subscription.cohort, isFirst: subscription.isFirst,
            isResumed: subscription.isResumed, bytesUp: subscription.bytesUp, bytesDown: subscription.bytesDown)
    }

    public func unsubscribed(feature: Feature, cohort: Ledger.Cohort, isLast: Bool, isLost: Bool) {
        ledger.recordUnsubscribed(from: feature.name, cohort: cohort, isLast: isLast, isLost: isLost)
    }

    public func moved(feature: Feature, to cohort: Ledger.Cohort, subscriptions: Int) {
        ledger.recordMoved(of: feature.name, to: cohort, subscriptions: subscriptions)
    }

    public func buffered(feature: Feature, cohort: Ledger.Cohort, _ buffers: SendBuffers) {
        ledger.recordBuffers(of: feature.name, cohort: cohort, buffers)
    }

    public func pushing(feature: Feature, cohort: Ledger.Cohort, bytesUp: Int, bytesDown: Int, originRequests: Int) {
        ledger.recordPushing(
            of: feature.name, cohort: cohort, bytesUp: bytesUp, bytesDown: bytesDown, originRequests: originRequests)
    }
}
