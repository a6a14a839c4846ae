import DoorbellTesting

/// What Doorbell's server survives: many idle connections, all clients at once, clients that come and go, readers that stop.
struct FanOutEndurance {
    private let plan: FanOutPlan

    init(_ plan: FanOutPlan) { self.plan = plan }

    func measure(into report: inout Report) {
        var table = Table("Doorbell under strain", ["what", "figure", "target"])
        var failures: [String] = []
        for (name, body) in [("idle", idle), ("storm", storm), ("cycles", cycles), ("stuck readers", stuckReaders)] {
            Report.progress("fanout: \(name)")
            do {
                for figure in try body() {
                    report.add(figure)
                    table.add([figure.name, figure.cell, figure.target?.text ?? ""])
                }
            } catch {
                failures.append("fanout, \(name): not measured: \(error)")
            }
        }
        report.show(table)
        for failure in failures { report.say(failure) }
    }

    private func figure(_ name: String, _ value: Double, _ target: Figure.Target? = nil) -> Figure {
        Figure("fanout", name, value, target)
    }

    // MARK: Idle

    /// As many as one process may have, and then two nodes with as many each.
    private func idle() throws -> [Figure] {
        let (first, firstLoad) = try start()
        defer { stop(first, firstLoad) }
        _ = try firstLoad.connect(10)
        let empty = first.usage.residentMemory
        let firstReply = try firstLoad.connect(plan.idle - 10)
        let (second, secondLoad) = try start()
        defer { stop(second, secondLoad) }
        let secondReply = try secondLoad.connect(plan.idle)
        let (usedFirst, usedSecond) = (first.usage.processorSeconds, second.usage.processorSeconds)
        // Two heartbeats would be 50 s; one is enough to see that nobody is cut off for being silent.
        let seconds = plan.idle > 10_000 ? 30.0 : 2.0
        let kept = try firstLoad.ask("run \(seconds)", within: seconds)
        let keptBySecond = try secondLoad.ask("run 0.1")
        let used = first.usage.processorSeconds - usedFirst + second.usage.processorSeconds - usedSecond
        let held = kept.open ?? 0
        let each = (first.usage.residentMemory - empty) * 1024 / Double(max(1, (firstReply.open ?? 0) - 10))
        return [
            figure("idle connections held by one process", Double(held), .atLeast(Double(plan.idle))),
            figure(
                "idle connections held by two", Double(held + (keptBySecond.open ?? 0)), .atLeast(Double(2 * plan.idle))
            ),
            figure("refused", Double((firstReply.refused ?? 0) + (secondReply.refused ?? 0)), .atMost(0)),
            figure("memory of one process with all of them, MiB", first.usage.residentMemory),
            figure("memory each, KiB", each),
            figure("computed for 50,000 in one process, MiB", empty + each * 50_000 / 1024),
            figure("processor of both while idle, % of a core", used / (seconds + 0.1) * 100),
        ]
    }

    // MARK: Coming and going

    /// All handshakes at once.
    private func storm() throws -> [Figure] {
        let (server, load) = try start()
        defer { stop(server, load) }
        let reply = try load.connect(plan.many, window: plan.many)
        let kept = try load.ask("run 1")
        let lost = plan.many - (kept.open ?? 0)
        return [
            figure("storm of \(plan.many): refused or lost", Double(lost), .atMost(0)),
            figure("storm of \(plan.many): seconds", reply.seconds ?? .nan),
            figure("storm of \(plan.many): p99 of a connect, ms", reply.p99 ?? .nan),
        ]
    }

    /// Ten connections at a time, which end with a close frame or a reset in turns; and a crowd that comes twice.
    private func cycles() throws -> [Figure] {
        let (server, load) = try start()
        defer { stop(server, load) }
        _ = try load.ask("cycles \(plan.cycles) 10 60", within: 60)
        _ = try load.ask("run 1")
        let before = server.usage.residentMemory
        let reply = try load.ask("cycles \(plan.cycles) 10 60", within: 60)
        _ = try load.ask("run 1")
        let growth = server.usage.residentMemory - before
        var crowds: [Double] = []
        for _ in 0..<2 {
            _ = try load.connect(plan.many)
            crowds.append(server.usage.residentMemory)
            try load.ask("close")
            _ = try load.ask("run 3")
        }
        return [
            figure("cycles of 10 connections", Double(reply.cycles ?? 0), .atLeast(Double(plan.cycles))),
            figure("refused or failed in them", Double((reply.refused ?? 0) + (reply.failed ?? 0)), .atMost(0)),
            figure("memory growth over them, MiB", growth, .atMost(1)),
            figure("memory of a second crowd of \(plan.many), × the first", crowds[1] / crowds[0], .atMost(1.05)),
        ]
    }

    // MARK: Readers that stop

    /// One in twenty reads no more. The others are compared with the same crowd when all read.
    private func stuckReaders() throws -> [Figure] {
        let (rate, size, stuck) = (50, 4096, plan.few / 20)
        let visit = try FanOutVisit(.doorbell, count: plan.few)
        defer { visit.end() }
        let messages = rate * plan.seconds * 2
        let alone = try visit.publish(messages, rate: rate, size: size)
        let before = visit.server.usage.residentMemory
        try visit.load.ask("stall \(stuck)")
        let beside = try visit.publish(messages, rate: rate, size: size, readers: plan.few - stuck)
        let growth = (visit.server.usage.residentMemory - before) * 1024 / Double(stuck)
        return [
            figure("\(stuck) of \(plan.few) stuck: missing for the others", Double(beside.missing), .atMost(0)),
            figure(
                "\(stuck) of \(plan.few) stuck: p99 of the others, × all reading", beside.p99 / alone.p99, .atMost(1.25)
            ),
            figure("\(stuck) of \(plan.few) stuck: memory each, KiB (budget 256)", growth, .atMost(320)),
        ]
    }

    private func start() throws -> (server: FanOutServer, load: FanOutLoadChild) {
        let server = try FanOutServer(.doorbell)
        do {
            return (server, try FanOutLoadChild(server))
        } catch {
            server.stop()
            throw error
        }
    }

    private func stop(_ server: FanOutServer, _ load: FanOutLoadChild) {
        load.stop()
        server.stop()
    }
}
