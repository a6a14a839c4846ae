import ArgumentParser
import DoorbellAssess
import DoorbellCore
import DoorbellRollout
import Foundation

struct AssessCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assess",
        abstract: "Which endpoints are polled, what that costs, and which are worth moving to push.",
        discussion: """
            Reads access logs; needs no database and no service. Files may be compressed by gzip and given in any order, '-' is standard \
            input. Formats: \(LogFormat.names.joined(separator: ", ")) (json: nginx, Caddy and others by the names of their members), or \
            a format string of nginx or Apache; without --format it is found out. Who a client is: its address and agent, and its user where \
            the log has one. Lines that cannot be read are counted and shown.

              doorbell assess access.log
              doorbell assess /var/log/nginx/access.log*            rotated ones, too
              zcat -f logs/* | doorbell assess -
              doorbell assess access.log --html report.html         a page with plots
              doorbell assess access.log --config doorbell.yaml     a first configuration
              doorbell assess a.log --format '%h %t "%r" %>s %b %{sid}C' --client '%{sid}C'

            pollers: pairs of a client and a URL that it polls. every: the median of their periods; jitter: the standard deviation of a \
            period; regular: gaps that fit it; hidden: polls of tabs in the background, once a minute. unchanged: answers with 304, or of the same \
            status and size as before. fan-in: pollers of one URL. late: how long a change waits for its poll.
            """)

    @Argument(help: ArgumentHelp("Access logs, '-' for standard input.", valueName: "log"))
    var logs: [String]
    @Option(help: ArgumentHelp("How lines are written. Default: found out, for each file.", valueName: "format"))
    var format: String?
    @Option(
        help: ArgumentHelp(
            "What of the format says who the client is: a variable, or a member of JSON.", valueName: "field"))
    var client: String?
    @Option(help: ArgumentHelp("What an answer of the API costs on a processor, in milliseconds.", valueName: "ms"))
    var requestCpu: Double?
    @Option(
        help: ArgumentHelp(
            "What really changed, to play the log against: lines of a time and the path of a URL, separated by a comma.",
            valueName: "file"))
    var changes: String?
    @Flag(help: "List every endpoint.")
    var all = false
    @Flag(help: "Print JSON.")
    var json = false
    @Option(
        help: ArgumentHelp(
            "Write a page with plots; '-' is standard output, in the place of the table.", valueName: "file"))
    var html: String?
    @Option(name: .shortAndLong, help: ArgumentHelp("Write a configuration to begin with.", valueName: "file"))
    var config: String?
    @Flag(help: "Replace files that exist.")
    var force = false

    func validate() throws {
        try OutputFile.validate(html, option: "--html")
        try OutputFile.validate(config, option: "--config")
        let printed = [html, config].filter { OutputFile.isStandardOutput($0) }.count + (json ? 1 : 0)
        if printed > 1 { throw ValidationError("only one of --json, --html and --config can go to standard output") }
        if logs.filter({ $0 == "-" }).count > 1 { throw ValidationError("standard input can be read once only") }
        if let requestCpu, !(requestCpu >= 0 && requestCpu <= 1e6) {
            throw ValidationError("--request-cpu is 0 to 1,000,000 milliseconds")
        }
    }

    func run() async throws {
        try await Terminal.reporting {
            var assessor = LogAssessor()
            if let format { assessor.format = try LogFormat(format, client: client) }
            assessor.client = client
            assessor.changes = changes
            assessor.assumptions.requestCPU = requestCpu.map { $0 / 1000 }
            let prices = Prices()
            assessor.assumptions.prices = ForecastPrices(
                requests: prices.requests, traffic: prices.traffic, connections: prices.connections, cpu: prices.cpu,
                currency: prices.currency)
            // Whatever cannot be written is found out before a long read.
            for path in [html, config].compactMap(\.self) { try OutputFile(path: path, force: force).check() }
            var bar = ProgressBar()
            let assessment = try assessor.assess(logs) { bar.show(bytes: $0.bytes, total: $0.total) }
            bar.clear()
            if json {
                Terminal.print(assessment.json(assumptions: assessor.assumptions))
            } else if ![html, config].contains(where: { OutputFile.isStandardOutput($0) }) {
                let limit = all ? Int.max : 10
                Terminal.print(assessment.text(limit: limit, assumptions: assessor.assumptions), terminator: "")
            }
            if let html {
                try OutputFile(path: html, force: force).write(assessment.html(assumptions: assessor.assumptions))
                if html != "-" { Terminal.complain("note: wrote \(html)") }
            }
            if let config {
                guard let text = assessment.startingConfiguration else {
                    let reason =
                        assessment.isInOrder ? "no endpoint is worth moving" : "the log is not in order of time"
                    return Terminal.complain("note: \(reason), so \(config) was not written")
                }
                try OutputFile(path: config, force: force).write(text)
                if config != "-" { Terminal.complain("note: wrote \(config); the tables are to be filled in") }
            }
        }
    }
}
