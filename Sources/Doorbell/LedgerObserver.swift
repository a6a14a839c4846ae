import DoorbellCore
import DoorbellRollout
import DoorbellServer

/// Writes what the server pushed into the ledger, into the commentary when there is one, and shows it to whoever watches.
struct LedgerObserver: ServerObserver {
    let ledger: LedgerRecorder
    let commentary: Commentary?
    let tail: TailBoard

    func delivered(_ delivery: PushDelivery) {
        guard let feature = delivery.publications.first?.feature else { return }
        ledger.recordPush(
            of: feature.name, subscribers: delivery.subscribers, bytes: delivery.bytes,
            staleness: delivery.publications.map { delivery.at.seconds(since: $0.committedAt) })
        tail.told(delivery)
        for publication in delivery.publications {
            commentary?.told(publication, subscribers: delivery.subscribers, now: delivery.at)
        }
    }

    func subscribed(feature: Feature, bytesUp: Int, bytesDown: Int) {
        ledger.recordSubscribed(to: feature.name, bytesUp: bytesUp, bytesDown: bytesDown)
    }

    func unsubscribed(feature: Feature, isLost: Bool) { ledger.recordUnsubscribed(from: feature.name, isLost: isLost) }
}
