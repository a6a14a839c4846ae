internal import DoorbellCore

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Lets the actors of a log act, one after the other.
struct LogPlay {
    private struct State {
        var random: LogRandom
        var sent = 0
        /// Until when a tab is in the background, or a laptop sleeps.
        var awayUntil = 0.0
        var isThrottled = false
    }

    private let actors: [LogActor]
    private let duration: Double
    private var states: [State]
    private var queue: EventQueue
    private var line: [UInt8] = []
    private var clock: LogClock

    init(actors: [LogActor], begin: Int, duration: Double, milliseconds: Bool) {
        self.actors = actors
        self.duration = duration
        clock = LogClock(begin: begin, hasMilliseconds: milliseconds)
        states = actors.indices.map { index in
            State(random: LogRandom(UInt64(index) &* 7919 &+ 17))
        }
        queue = EventQueue()
        for (index, actor) in actors.enumerated() { queue.push(actor.arrival, index) }
    }

    mutating func run(_ emit: (borrowing [UInt8], Int) -> Void) {
        while let (time, index) = queue.pop() {
            guard time < duration else { continue }
            let actor = actors[index]
            act(actor, index, time, emit)
            let next = time + gap(actor, index, time)
            if next < actor.departure { queue.push(next, index) }
        }
    }

    private mutating func gap(_ actor: LogActor, _ index: Int, _ time: Double) -> Double {
        switch actor.habit {
        case .poll(let period, let jitter, let throttled, let pauses):
            if time > states[index].awayUntil, throttled || pauses, states[index].random.unit() < 0.02 {
                states[index].isThrottled = throttled
                let length = 120 + states[index].random.exponential(300)
                states[index].awayUntil = time + length
                if !throttled { return length }
            }
            if states[index].isThrottled, time < states[index].awayUntil { return max(period, 60) }
            return max(0.05, period * (1 + jitter * states[index].random.normal()))
        case .click(let mean), .reload(let mean), .burst(let mean), .upload(let mean), .scan(let mean):
            // Lognormal: many short, some very long.
            return mean * exp(0.9 * states[index].random.normal() - 0.4)
        case .crawl(let delay): return delay
        }
    }

    private mutating func act(
        _ actor: LogActor, _ index: Int, _ time: Double, _ emit: (borrowing [UInt8], Int) -> Void
    ) {
        switch actor.habit {
        case .poll, .reload:
            write(actor, time, "GET", actor.target, 200, size(actor, time))
        case .click:
            let page = states[index].random.next() % 300
            write(
                actor, time, "GET", page % 3 == 0 ? "/products/\(page)" : "/pages/page-\(page % 40)", 200,
                9000 + Int(page))
            emit(line, index)
            write(actor, time, "GET", "/assets/app.3f2a1b.js", 304, 0)
            emit(line, index)
            write(actor, time, "GET", "/assets/logo.svg", 200, 1234)
        case .crawl:
            states[index].sent += 1
            write(actor, time, "GET", "/products/\(states[index].sent)", 200, 9000 + states[index].sent % 500)
        case .burst:
            for _ in 0..<2 {
                write(actor, time, "GET", actor.target, 200, size(actor, time))
                emit(line, index)
            }
            write(actor, time, "GET", actor.target, 200, size(actor, time))
        case .upload: write(actor, time, "POST", actor.target, 201, 90)
        case .scan: write(actor, time, "GET", "/wp-\(states[index].random.next() % 100_000).php", 404, 153)
        }
        emit(line, index)
    }

    /// Everybody who asks for a URL sees the same changes.
    private func size(_ actor: LogActor, _ time: Double) -> Int {
        let version = UInt64(time * actor.change / 5)
        var random = LogRandom(actor.target.utf8.reduce(version) { $0 &* 31 &+ UInt64($1) })
        return 300 + Int(random.next() % 4000)
    }

    private mutating func write(
        _ actor: LogActor, _ time: Double, _ method: String, _ target: String, _ status: Int, _ size: Int
    ) {
        line.removeAll(keepingCapacity: true)
        line.append(contentsOf: actor.address.utf8)
        line.append(contentsOf: " - - [".utf8)
        line.append(contentsOf: clock.text(at: time))
        line.append(contentsOf: "] \"".utf8)
        line.append(contentsOf: method.utf8)
        line.append(0x20)
        for byte in target.utf8 {
            if byte == 0x23 {
                line.append(contentsOf: String(clock.milliseconds(at: time)).utf8)
            } else {
                line.append(byte)
            }
        }
        line.append(contentsOf: " HTTP/1.1\" ".utf8)
        line.append(contentsOf: String(status).utf8)
        line.append(0x20)
        line.append(contentsOf: String(size).utf8)
        line.append(contentsOf: " \"https://app.example/\" \"".utf8)
        line.append(contentsOf: actor.agent.utf8)
        line.append(contentsOf: "\"\n".utf8)
    }
}

/// Writes times as Apache does, and remembers the last second.
struct LogClock {
    private let begin: Int
    private var second = -1
    private var bytes: [UInt8] = []

    private let hasMilliseconds: Bool

    init(begin: Int, hasMilliseconds: Bool) {
        self.begin = begin
        self.hasMilliseconds = hasMilliseconds
    }

    func milliseconds(at time: Double) -> Int { begin * 1000 + Int(time * 1000) }

    mutating func text(at time: Double) -> [UInt8] {
        let now = begin + Int(time)
        if hasMilliseconds {
            let text = Timestamp(microseconds: Int64(now) * 1_000_000).rfc3339
            let fraction = String(1000 + Int(time * 1000) % 1000).dropFirst()
            return Array((text.dropLast() + "." + fraction + "Z").utf8)
        }
        guard now != second else { return bytes }
        second = now
        let date = Timestamp(microseconds: Int64(now) * 1_000_000).httpDate
        // Tue, 01 Dec 2026 10:00:00 GMT → 01/Dec/2026:10:00:00 +0000
        let parts = date.split(separator: " ")
        bytes = Array("\(parts[1])/\(parts[2])/\(parts[3]):\(parts[4]) +0000".utf8)
        return bytes
    }
}

/// Who acts next: a binary heap.
struct EventQueue {
    private var events: [(time: Double, actor: Int)] = []

    mutating func push(_ time: Double, _ actor: Int) {
        events.append((time, actor))
        var at = events.count - 1
        while at > 0, events[at].time < events[(at - 1) / 2].time {
            events.swapAt(at, (at - 1) / 2)
            at = (at - 1) / 2
        }
    }

    mutating func pop() -> (Double, Int)? {
        guard let first = events.first else { return nil }
        let last = events.removeLast()
        guard !events.isEmpty else { return first }
        events[0] = last
        var at = 0
        while true {
            var least = at
            for child in [2 * at + 1, 2 * at + 2] where child < events.count && events[child].time < events[least].time
            {
                least = child
            }
            if least == at { return first }
            events.swapAt(at, least)
            at = least
        }
    }
}
