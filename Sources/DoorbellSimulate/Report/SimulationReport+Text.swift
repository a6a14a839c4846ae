import DoorbellCore
import DoorbellReport
import DoorbellRollout

extension SimulationReport {
    /// The table, what it means for an hour, and what has to be known about it; ends with a newline.
    public var text: String {
        heading + "\n\n" + TextTable.text(table, names: 1) + "\n" + notes.map { $0 + "\n" }.joined()
    }

    var heading: String {
        "\(Figures.count(plan.clients)) clients, a poll every \(Figures.plain(plan.interval, places: 3)) s each, "
            + "\(Figures.plain(plan.changeRate, places: 3)) changes a second, \(Figures.plain(plan.duration, places: 3)) s each way"
    }

    // MARK: The table

    /// Heads and lines: a column for each phase, and how push compares with each of the others.
    var table: [[String]] {
        guard let push = phases.last, push.isPush else { return [] }
        let others = phases.dropLast()
        let compared =
            others.count == 1
            ? ["push against polling"] : others.map { "against \($0.name.replacing("with ", with: ""))" }
        return [[""] + phases.map(\.name) + compared]
            + lines.map { line in
                let cells = phases.map { phase in line.value(phase).map(line.format) ?? "-" }
                let ratios = others.map { other -> String in
                    guard let words = line.words, let before = line.value(other), let after = line.value(push) else {
                        return ""
                    }
                    return Ratio(polling: before, push: after, words: words).text
                }
                return [line.name] + cells + ratios
            }
    }

    private struct Line {
        let name: String
        let words: Ratio.Words?
        let format: (Double) -> String
        let value: (PhaseResult) -> Double?
    }

    private var lines: [Line] {
        func bytes(_ value: Double) -> String { Figures.bytes(UInt64(max(0, value))) }
        let processes = ["legacy API", "PostgreSQL", "Doorbell", PhaseResult.generator]
        return [
            Line(name: "requests, or messages", words: .fewer, format: Figures.count) { Double($0.requests) },
            Line(name: "  a second", words: nil, format: Figures.digits) { $0.rate },
            Line(name: "  unchanged", words: nil, format: { Figures.decimal($0 * 100, places: 1) + " %" }) {
                $0.unchangedShare
            },
            Line(name: "bytes up", words: .fewer, format: bytes) { Double($0.bytesUp) },
            Line(name: "bytes down", words: .fewer, format: bytes) { Double($0.bytesDown) },
            Line(name: "database transactions", words: .fewer, format: Figures.count) { Double($0.transactions) },
        ]
            + processes.map { name in
                Line(name: "CPU s, \(name)", words: name == PhaseResult.generator ? nil : .less, format: Figures.digits)
                {
                    $0.usage(of: name)?.cpuSeconds
                }
            }
            + [Line(name: "CPU s, the servers together", words: .less, format: Figures.digits) { $0.serverSeconds }]
            + processes.map { name in
                Line(name: "memory MiB, \(name)", words: nil, format: Figures.digits) {
                    $0.usage(of: name)?.peakMemory
                }
            }
            + [
                Line(name: "staleness p50", words: .sooner, format: Figures.duration) { $0.staleness?.p50 },
                Line(name: "staleness p95", words: .sooner, format: Figures.duration) { $0.staleness?.p95 },
                Line(name: "staleness p99", words: .sooner, format: Figures.duration) { $0.staleness?.p99 },
                Line(name: "changes", words: nil, format: Figures.count) { Double($0.changes) },
                Line(name: "  missed", words: nil, format: Figures.count) { Double($0.missed) },
                Line(
                    name: "radio of a phone on, est.", words: .less,
                    format: { Figures.decimal($0 * 100, places: 0) + " %" },
                    value: { $0.radioShare }),
                Line(
                    name: "a month, est.", words: .less, format: { Figures.money($0, Prices().currency) },
                    value: { $0.month() }),
                Line(name: "connections", words: nil, format: Figures.count) { Double($0.connections) },
            ]
    }

    // MARK: What has to be known

    var notes: [String] {
        phases.filter { !$0.isPush }.compactMap(arithmetic) + phases.flatMap(troubles) + [
            reauthorization,
            "connecting, not in the table: "
                + phases.map { "\($0.name) \(Figures.duration($0.connecting))" }
                .joined(separator: ", "),
            "the legacy API is a small one in Swift, a SELECT for each request on \(LegacyPool.size) connections; most cost more",
            "bytes: what the clients' sockets sent and took, without the headers of TCP and IP",
            transactions,
            "memory: the highest of four samples a second; PostgreSQL's is the private memory of its processes, and the shared memory once",
            "staleness: from the commit until the user's client saw the change",
            "radio, an estimate: of an LTE phone with nothing else to do, by its model (Huang et al., MobiSys 2012); heartbeats every 25 s count",
            "a month, an estimate: by the default prices of doorbell compare, with the processor time of all servers",
            "machine: \(machine.cores) cores\(machine.processor.isEmpty ? "" : " of \(machine.processor)"), \(machine.kernel), \(machine.database); "
                + "all of it on this machine, over loopback",
        ]
    }

    /// What an hour of it is, by arithmetic, and whether that is what was measured.
    private func arithmetic(_ phase: PhaseResult) -> String {
        let measured = phase.rate * 3600
        let difference = (measured - plan.hourly) / plan.hourly * 100
        let arithmetic =
            "\(Figures.count(plan.clients)) clients × 3,600 s / \(Figures.plain(plan.interval, places: 3)) s = \(Figures.count(plan.hourly)) requests an hour"
        let size = "\(Figures.decimal(abs(difference), places: 2)) % \(difference < 0 ? "fewer" : "more")"
        return "\(phase.name): \(arithmetic); measured \(Figures.count(measured)), \(size)"
    }

    private func troubles(_ phase: PhaseResult) -> [String] {
        var notes: [String] = []
        if let limit = limit(of: phase) {
            let who =
                switch limit {
                case .generator: "the load generator"
                case .machine: "the machine, all of whose cores are busy,"
                case .others: "something else on this machine, which keeps it busy,"
                case .server(let name): name
                }
            notes.append(
                "\(phase.name): measured \(Figures.count(phase.rate)) of \(Figures.count(plan.intendedRate)) polls a second: \(who) is the limit"
            )
        }
        if phase.failures > 0 { notes.append("\(phase.name): \(Figures.count(phase.failures)) answers were errors") }
        if phase.lost > 0 { notes.append("\(phase.name): \(Figures.count(phase.lost)) connections were lost") }
        if phase.strangers > 0 {
            notes.append("\(phase.name): \(Figures.count(phase.strangers)) changes were shown to another user's client")
        }
        let planned = Int((plan.changeRate * plan.duration).rounded())
        // One that was due at the very end may come too late on any machine.
        if Double(phase.changes) < Double(planned) * 0.98 {
            notes.append(
                "\(phase.name): \(Figures.count(phase.changes)) of \(Figures.count(planned)) changes were written: commits took too long for one writer"
            )
        }
        return notes
    }

    /// Whose they are: the database does not tell.
    private var transactions: String {
        let push = phases.first { $0.isPush && $0.changes > 0 }.map {
            "; push: \(Figures.decimal(Double($0.transactions) / Double($0.changes), places: 1)) for each change, of which the change is one"
        }
        return
            "database transactions: one for each poll that the legacy API answers and one for each change; the rest are Doorbell's, which "
            + "looks for changes, and once more before it sleeps" + (push ?? "")
    }

    /// What push costs the legacy API all the time, and a short run does not show.
    private var reauthorization: String {
        let hourly = Double(plan.clients) * 3600 / Double(SimulationPlan.reauthorizeSeconds)
        return plan.transport == .heldPoll
            ? "push: a held poll asks the legacy API at its beginning and after each change of its user"
            : "push: who may listen is asked again every 5 min: \(Figures.count(hourly)) requests an hour to the legacy API, more than the table shows"
    }
}
