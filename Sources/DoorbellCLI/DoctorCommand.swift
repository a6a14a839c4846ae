import ArgumentParser
import Doorbell
import DoorbellCore
import Foundation

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look for what keeps push from working, and say how to mend it.",
        discussion: """
            Looks at the database (version, rights, pooler, triggers, outbox, long transactions, clocks), at this machine and at the legacy \
            API; with --url also at a running service through the URL that clients use: WebSockets, event streams, held polls, idle \
            timeouts, tokens in access logs. Changes nothing. With --url it takes as long as silence is watched: a minute, or --patience.

              doorbell doctor
              doorbell doctor --url https://app.example --poll /api/orders/42 -H 'Cookie: …'
              doorbell doctor --url https://app.example --log /var/log/nginx/access.log

            Exit codes: 0 all is well, 1 something fails (with --strict also a warning).
            """)

    @OptionGroup var file: ConfigurationOption
    @Option(help: ArgumentHelp("The URL that clients use, without a path.", valueName: "url"))
    var url: String?
    @Option(help: ArgumentHelp("A polled path to try a held poll on.", valueName: "path"))
    var poll: String?
    @Option(
        name: [.customShort("H"), .long],
        help: ArgumentHelp("A header of every request, 'Name: value'. Repeatable.", valueName: "header"))
    var header: [String] = []
    @Option(help: ArgumentHelp("An access log to look for tokens in. Repeatable.", valueName: "file"))
    var log: [String] = []
    @Option(
        help: ArgumentHelp(
            "Seconds that silence is watched, 1 to 600; more than two of limits.heartbeat tell all.",
            valueName: "seconds"))
    var patience = 60
    @Flag(help: "Warnings count as failures.")
    var strict = false
    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard (1...600).contains(patience) else { throw ValidationError("--patience takes 1 to 600 seconds") }
        try HeaderOption.validate(header)
        if let url {
            try Self.validate(url: url)
        } else if poll != nil || !log.isEmpty || !header.isEmpty {
            throw ValidationError("--poll, --log and --header go with --url")
        }
        if let poll, !poll.hasPrefix("/") {
            throw ValidationError("--poll takes a path like /api/orders/42, not '\(poll)'")
        }
    }

    /// What stands before an @ may be a password, so the URL is not repeated.
    private static func validate(url: String) throws {
        let takes = "--url takes a URL like https://app.example"
        guard let scheme = ["http://", "https://"].first(where: { url.hasPrefix($0) }) else {
            throw ValidationError("\(takes): it must begin with http:// or https://")
        }
        let rest = url.dropFirst(scheme.count)
        let authority = rest.prefix { !"/?#".contains($0) }
        do {
            _ = try URLAuthority(authority)
        } catch {
            throw ValidationError("\(takes): it \(error)")
        }
        guard ["", "/"].contains(rest.dropFirst(authority.count)) else {
            throw ValidationError("\(takes): it must not have a path or a query")
        }
    }

    func run() async throws {
        try await Terminal.reporting {
            let configuration = try file.load()
            let probe = url.map {
                PublicProbe(
                    url: $0, headers: header.map(HeaderOption.split), poll: poll, logs: log,
                    patience: .seconds(patience),
                    heartbeat: configuration.limits.heartbeat)
            }
            let line = StepLine()
            let isJSON = json
            let report = await Doctor(configuration, probe: probe).examine {
                line.begin($0)
            } found: { findings in
                line.end()
                if !isJSON { Terminal.print(DoctorReport.text(findings), terminator: "") }
            }
            Terminal.print(json ? try PrettyJSON.text(report) : report.summary, terminator: json ? "\n" : "")
            if report.level >= (strict ? .warn : .fail) { throw ExitCode(1) }
        }
    }
}
