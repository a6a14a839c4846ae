import ArgumentParser
import Doorbell
import DoorbellCore
import DoorbellSimulate
import Foundation
import UnixSignals

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Polling against push with thousands of real clients, on this machine.",
        discussion: """
            Starts PostgreSQL, a small legacy API and Doorbell on loopback, runs the clients, polling first and then pushed \
            to, with the same changes, and prints what both cost. Needs the programs of a PostgreSQL server (Debian: \
            apt install postgresql); touches no database of yours. Everything ends by itself, or with Ctrl-C.

              doorbell simulate
              doorbell simulate --clients 500 --duration 10s --etag --cache
            """)

    @Option(help: ArgumentHelp("How many, 1 to \(SimulationPlan.maximumClients).", valueName: "number"))
    var clients = 5000
    @Option(
        help: ArgumentHelp("Between two polls of a client, 100ms to 1h (default: 2s).", valueName: "duration"),
        transform: Self.seconds)
    var interval = 2.0
    @Option(help: ArgumentHelp("Changed rows a second, of all users together.", valueName: "number"))
    var changeRate = 50.0
    @Option(
        help: ArgumentHelp(
            "How long each way is measured; twice the interval at least (default: 30s).", valueName: "duration"),
        transform: Self.seconds)
    var duration = 30.0
    @Flag(name: .customLong("etag"), help: "Also poll with entity tags, for a column of its own.")
    var hasEntityTags = false
    @Flag(name: .customLong("cache"), help: "Also poll through Doorbell with its cache, for a column of its own.")
    var hasCache = false
    @Option(
        help: ArgumentHelp("How clients are pushed to: ws, sse or long-poll (default: ws).", valueName: "name"),
        transform: Self.transport)
    var transport = SimulationPlan.Transport.webSocket
    @Option(help: ArgumentHelp("The same seed makes the same changes.", valueName: "number"))
    var seed: UInt64 = 1
    @Flag(help: "Print JSON.")
    var json = false
    @Option(
        help: ArgumentHelp(
            "Also write a page with plots; '-' is standard output, in the place of the table.", valueName: "file"))
    var html: String?
    @Flag(help: "Replace a file that exists.")
    var force = false

    func validate() throws {
        try OutputFile.validate(html, option: "--html")
        if json, OutputFile.isStandardOutput(html) {
            throw ValidationError("--json and --html - both go to standard output")
        }
        do throws(DoorbellError) {
            try plan.check()
        } catch {
            throw ValidationError(error.message)
        }
    }

    func run() async throws {
        try await Terminal.reporting {
            // Not after minutes.
            let page = html.map { OutputFile(path: $0, force: force) }
            try page?.check()
            let bar = SimulationBar()
            let program = Bundle.main.executablePath ?? CommandLine.arguments[0]
            let simulation = Simulation(plan, program: program) { bar.show($0) }
            let work = Task { try await simulation.run() }
            let signals = Task {
                var first: UnixSignal?
                for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) where first == nil {
                    // Those that come while everything is being ended do not make it faster.
                    first = signal
                    work.cancel()
                }
                return first
            }
            let result = await work.result
            bar.end()
            signals.cancel()
            if let signal = await signals.value {
                Terminal.complain("doorbell: stopped; everything that was started is ended")
                throw ExitCode(128 + signal.rawValue)
            }
            let report = try result.get()
            try page?.write(SimulationPage.html(report))
            if page?.isStandardOutput == true { return }
            Terminal.print(json ? try PrettyJSON.text(report) : report.text, terminator: json ? "\n" : "")
        }
    }

    private var plan: SimulationPlan {
        var plan = SimulationPlan()
        plan.clients = clients
        plan.interval = interval
        plan.changeRate = changeRate
        plan.duration = duration
        plan.hasEntityTags = hasEntityTags
        plan.hasCache = hasCache
        plan.transport = transport
        plan.seed = seed
        return plan
    }

    private static func seconds(_ text: String) throws -> Double {
        guard let duration = Units.duration(text) else {
            throw ValidationError("'\(text)' is not a duration; write 500ms, 2s or 1m")
        }
        return duration / .seconds(1)
    }

    private static func transport(_ text: String) throws -> SimulationPlan.Transport {
        guard let transport = SimulationPlan.Transport(rawValue: text) else {
            let known = SimulationPlan.Transport.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("'\(text)' is not a transport; use one of \(known)")
        }
        return transport
    }
}
