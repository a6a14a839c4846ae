/// The bell as a model: writers and the service take one atomic step at a time, in a random order, on one lock, one outbox and
/// one notification. With `mutation` one step of the protocol is left out.
struct BellModel {
    enum Mutation: CaseIterable {
        case none
        /// The service does not look again after it took the lock.
        case noLastDrain
        /// The writer looks at the bell before its row is in the outbox, and lets it go at once.
        case bellBeforeInsert
        /// The service sleeps without having the lock, so writers never ring.
        case noLock
        /// The writer gives the lock back at once instead of at the end of its transaction.
        case lockNotHeld
    }

    private enum Writer { case started, inserted(rings: Bool), belled(rings: Bool, holds: Bool), done }
    private enum Service { case draining, takingLock, lastDrain, asleep, waking }

    private let mutation: Mutation
    private var writers: [Writer]
    private var service = Service.draining
    private var visible = 0
    private var delivered = 0
    private var shared = 0
    private var exclusive = false
    private var notified = false

    init(writers: Int, mutation: Mutation) {
        self.writers = Array(repeating: .started, count: writers)
        self.mutation = mutation
    }

    /// Runs to the end. - Returns: whether a committed row lies there while the service sleeps and nothing rings.
    mutating func losesWakeup(using random: inout some RandomNumberGenerator) -> Bool {
        while true {
            let open = writers.indices.filter { if case .done = writers[$0] { false } else { true } }
            let asleep = service == .asleep && !notified
            if open.isEmpty && asleep { return delivered < visible }
            let choices = open.count + (asleep ? 0 : 1)
            let choice = Int.random(in: 0..<choices, using: &random)
            if choice < open.count { stepWriter(open[choice]) } else { stepService() }
        }
    }

    private mutating func stepWriter(_ index: Int) {
        switch writers[index] {
        case .started:
            if mutation == .bellBeforeInsert {
                writers[index] = .belled(rings: exclusive, holds: false)
            } else {
                writers[index] = .inserted(rings: false)
            }
        case .inserted:
            let rings = exclusive
            let holds = !rings && mutation != .lockNotHeld
            if holds { shared += 1 }
            writers[index] = .belled(rings: rings, holds: holds)
        case .belled(let rings, let holds):
            // The commit: rows, notification and the end of the lock are one step for all who look.
            visible += 1
            if rings { notified = true }
            if holds { shared -= 1 }
            writers[index] = .done
        case .done: break
        }
    }

    private mutating func stepService() {
        switch service {
        case .draining:
            let found = delivered < visible
            delivered = visible
            service = found ? .draining : .takingLock
        case .takingLock:
            if mutation == .noLock {
                service = .lastDrain
            } else if shared == 0 {
                exclusive = true
                service = mutation == .noLastDrain ? .asleep : .lastDrain
            } else {
                service = .draining
            }
        case .lastDrain:
            let found = delivered < visible
            delivered = visible
            service = found ? .waking : .asleep
        case .asleep:
            notified = false
            service = .waking
        case .waking:
            exclusive = false
            service = .draining
        }
    }
}
