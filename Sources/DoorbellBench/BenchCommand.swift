import ArgumentParser
import DoorbellTesting
import Foundation

/// `make bench`: what Doorbell costs and how fast it is, as ratios between things measured in the same run, because figures
/// of one machine mean nothing on another. Figures never fail it.
@main
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doorbell-bench",
        abstract:
            "Measure writes, latency, drain rate, idle cost (on a PostgreSQL of its own), fan-out, polls and reading logs.",
        discussion: "Progress goes to standard error, tables go to standard output.")

    enum Section: String, CaseIterable, ExpressibleByArgument {
        case writes, flush, bulk, latency, drain, idle, fanout, polls, assess, all
    }

    @Argument(help: "What to measure: \(Section.allCases.map(\.rawValue).joined(separator: ", ")).")
    var section = Section.all
    @Flag(help: "Short rounds and few rows: to see that it works, not for figures.")
    var quick = false
    @Option(help: "Rounds of each interleaved comparison. Default 5.")
    var rounds: Int?
    @Option(help: "Seconds of each pgbench run. Default 5.")
    var seconds: Int?
    @Option(help: "Rows of the backlog. Default 1,000,000.")
    var rows: Int?
    @Option(
        name: .customLong("part"),
        help: "Parts of fanout: \(FanOut.Part.allCases.map(\.rawValue).joined(separator: ", ")). Default all.")
    var parts: [FanOut.Part] = []
    @Option(help: ArgumentHelp("Write the figures to a file too.", valueName: "file"))
    var json: String?
    /// How the bench runs the service in a process of its own: with the configuration in this file.
    @Option(help: .hidden)
    var serve: String?
    /// How the fan-out section runs the push server in a process of its own.
    @Flag(help: .hidden)
    var serveFanout = false
    /// With the ledger.
    @Flag(help: .hidden)
    var ledger = false

    /// How the polls section runs the service in a process of its own: in front of the legacy API on this port.
    @Option(help: .hidden)
    var servePolls: Int?
    /// What it does with them besides.
    @Option(help: .hidden)
    var pollsWith = PollsServeMode.Extra.nothing
    @Option(help: .hidden)
    var accessLog: String?

    /// How the assess section reads a log in a process of its own.
    @Option(help: .hidden)
    var assessFile: String?

    func validate() throws {
        for (name, value) in [("rounds", rounds), ("seconds", seconds), ("rows", rows)] {
            if let value, value < 1 { throw ValidationError("--\(name) is at least 1") }
        }
    }

    func run() async throws {
        if let assessFile { return try Assess.run(file: assessFile) }
        if let servePolls {
            return try await PollsServeMode.run(stub: servePolls, with: pollsWith, accessLog: accessLog)
        }
        if serveFanout { return try await FanOutServeMode.run(counts: ledger) }
        if let serve { return try await ServeMode.run(configurationFile: serve) }
        EndOfProcess.handleInterrupts()
        let plan = BenchPlan(quick: quick, rounds: rounds, seconds: seconds, rows: rows)
        var report = Report()
        report.say("machine: \(Machine.description)")
        if ![.fanout, .polls, .assess].contains(section) { await measureOnPostgres(plan, into: &report) }
        await measure(.flush, into: &report) { try await SlowFlush(plan).measure(into: &$0) }
        let fanOut = FanOut(FanOutPlan(plan, quick: quick), parts: parts.isEmpty ? FanOut.Part.allCases : parts)
        await measure(.fanout, into: &report) { fanOut.measure(into: &$0) }
        await measure(.polls, into: &report) { try await Polls(plan).measure(into: &$0) }
        await measure(.assess, into: &report) { try Assess(plan, quick: quick).measure(into: &$0) }
        report.printSummary()
        if let json { try report.write(to: json) }
    }

    private func measureOnPostgres(_ plan: BenchPlan, into report: inout Report) async {
        do {
            let cluster = try ScratchPostgres(settings: Workbench.settings, durable: true)
            defer { cluster.remove() }
            report.say(
                "PostgreSQL: \(try ScratchConnection(cluster.conninfo()).run("show server_version")[0][0] ?? "?")")
            let bench = Workbench(cluster: cluster, plan: plan)
            await measure(.writes, into: &report) { try await WriteOverhead(bench).measure(into: &$0) }
            await measure(.bulk, into: &report) { try await BulkUpdate(bench).measure(into: &$0) }
            await measure(.latency, into: &report) { try await Latency(bench).measure(into: &$0) }
            await measure(.drain, into: &report) { try await Drain(bench).measure(into: &$0) }
            await measure(.idle, into: &report) { try await Idle(bench).measure(into: &$0) }
        } catch {
            report.say("no PostgreSQL to measure with: \(error)")
        }
    }

    /// A section that fails says so and leaves the others alone.
    private func measure(
        _ wanted: Section, into report: inout Report, _ body: (inout Report) async throws -> Void
    ) async {
        guard section == wanted || section == .all else { return }
        do {
            try await body(&report)
        } catch {
            report.say("\(wanted.rawValue): not measured: \(error)")
        }
    }
}
