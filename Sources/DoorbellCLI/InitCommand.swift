import ArgumentParser
import Doorbell
import DoorbellAssess
import DoorbellCapture
import DoorbellCore
import Foundation

struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write a doorbell.yaml from the database and the access logs, with its reasons.",
        discussion: """
            Looks at the database's catalogue and statistics, never at rows, and at the logs as 'doorbell assess' does, and proposes a feature for \
            each polled URL that is worth moving, with the tables that feed it: by their names and foreign keys and, where it is known when \
            tables changed, by whether the answers changed then. Every feature begins in stage observe. In a terminal it asks; elsewhere, \
            and with --yes, it does not. A file that exists is not replaced unless you say so.

              doorbell init /var/log/nginx/access.log*
              doorbell init access.log --upstream http://127.0.0.1:3000 --yes
              doorbell init --poll 'GET /api/rooms/{id}/messages'
              doorbell init access.log --changes changes.csv --json

            The database's URL is not written to the file, which names the variable DATABASE_URL. When tables changed is known from the outbox of \
            an earlier 'doorbell install', or from --changes: lines of a time and a table, 2026-05-28T20:26:40Z,public.orders.
            """)

    @Argument(help: ArgumentHelp("Access logs, '-' for standard input.", valueName: "log"))
    var logs: [String] = []
    @Option(
        help: ArgumentHelp(
            "The database: a URL or key=value text. Default: DOORBELL_DATABASE, DATABASE_URL, where others cannot see a password.",
            valueName: "url"))
    var database: String?
    @Option(help: ArgumentHelp("The API that is polled now. Default: http://127.0.0.1:3000.", valueName: "url"))
    var upstream: String?
    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write; '-' is standard output.", valueName: "file"))
    var config = "doorbell.yaml"
    @Option(
        help: ArgumentHelp(
            "A polled URL that needs no log to be known, 'GET /path/{name}'. Repeatable.", valueName: "poll"))
    var poll: [String] = []
    @Option(help: ArgumentHelp("When tables changed: lines of a time and a table.", valueName: "file"))
    var changes: String?
    @Option(help: ArgumentHelp("How lines of the logs are written. Default: found out.", valueName: "format"))
    var format: String?
    @Option(help: ArgumentHelp("What of the format says who the client is.", valueName: "field"))
    var client: String?
    @Option(
        help: ArgumentHelp(
            "How long writes are counted when the statistics do not say since when, 0 to 600.", valueName: "seconds"))
    var sample = 2
    @Flag(name: .shortAndLong, help: "Ask nothing: take every proposal.")
    var yes = false
    @Flag(help: "Replace a file that exists.")
    var force = false
    @Flag(help: "Print the proposal as JSON; write nothing.")
    var json = false

    func validate() throws {
        if logs.count(where: { $0 == "-" }) > 1 { throw ValidationError("standard input can be read once only") }
        guard (0...600).contains(sample) else { throw ValidationError("--sample takes 0 to 600 seconds") }
        for text in poll {
            do throws(PollPattern.SyntaxError) {
                _ = try PollPattern(text)
            } catch {
                throw ValidationError("--poll: \(error)")
            }
        }
        if let database, !Self.isDatabase(database) {
            // It may hold a password, so it is not repeated.
            throw ValidationError("--database takes a URL like postgresql://user@host/name, or key=value text")
        }
        if let upstream, let refusal = Self.refusal(upstream: upstream) {
            throw ValidationError("--upstream takes \(refusal)")
        }
        if config.isEmpty { throw ValidationError("--config needs the name of a file") }
        if changes != nil, logs.isEmpty {
            throw ValidationError("--changes is compared with the answers of logs: name a log")
        }
    }

    func run() async throws {
        try await Terminal.reporting {
            var interview: Interview<TerminalPerson>?
            if isatty(0) == 1, isatty(2) == 1, !yes, !json, !logs.contains("-") {
                interview = Interview(TerminalPerson())
            }
            let output = try json ? nil : file(&interview)
            let conninfo = try conninfo(&interview)
            let inventory = try DatabaseInventory(conninfo: conninfo)
            let logs = try self.logs(&interview)
            let line = TerminalLine()
            let description = try inventory.describe(sample: .seconds(sample)) {
                line.write("counting writes for \($0.components.seconds) s (--sample)")
            }
            line.clear()
            for remark in description.remarks { Terminal.complain("note: \(remark)") }
            let assessment = logs.isEmpty ? nil : try assess(logs, inventory, description)
            let named = poll.map { String($0.split(separator: " ").last ?? "") }
            var proposal = Proposal(
                PolledEndpoint.all(named: named, assessed: assessment?.polledEndpoints ?? []), database: description)
            guard !proposal.features.isEmpty else {
                throw DoorbellError(
                    .usage, "no polled URL of the logs is worth moving, so there is nothing to write",
                    hint: "'doorbell assess' says why; --poll 'GET /path/{name}' names one all the same")
            }
            guard let output else { return Terminal.print(proposal.json) }
            var upstream = self.upstream
            if var person = interview {
                if upstream == nil {
                    upstream = try person.text("the API that is polled now", default: "http://127.0.0.1:3000") {
                        Self.refusal(upstream: $0)
                    }
                }
                proposal = try person.choose(proposal)
                interview = person
            }
            let text = draft(proposal, description, assessment, upstream).yaml
            // What this writes is what check accepts, by the same code.
            let made = try Configuration.parse(text, file: config, environment: ["DATABASE_URL": conninfo])
            try output.write(text)
            report(made, output)
        }
    }

    // MARK: What is asked for

    /// Whatever cannot be written is found out before anything is read.
    private func file(_ interview: inout Interview<TerminalPerson>?) throws(DoorbellError) -> OutputFile {
        var output = OutputFile(path: config, force: force)
        var isDirectory: ObjCBool = false
        if !force, var person = interview, FileManager.default.fileExists(atPath: config, isDirectory: &isDirectory),
            !isDirectory.boolValue
        {
            guard try person.yes("\(config) exists. Replace it?", default: false) else {
                throw DoorbellError(
                    .usage, "\(config) exists and is not replaced", hint: "give another name with --config")
            }
            interview = person
            output = OutputFile(path: config, force: true)
        }
        try output.check()
        return output
    }

    private func conninfo(_ interview: inout Interview<TerminalPerson>?) throws(DoorbellError) -> String {
        let environment = ProcessInfo.processInfo.environment
        let known = [database, environment["DOORBELL_DATABASE"], environment["DATABASE_URL"]].compactMap(\.self)
        if let text = known.first(where: { !$0.isEmpty }) {
            guard Self.isDatabase(text) else {
                throw DoorbellError(.usage, "DATABASE_URL is neither a PostgreSQL URL nor 'key=value' text")
            }
            return text
        }
        guard var person = interview else {
            throw DoorbellError(
                .usage, "it is not known where the database is", hint: "set DATABASE_URL, or give --database URL")
        }
        let question = "the database (postgresql://user@host/name; it is not written down)"
        let text = try person.text(question, default: nil) {
            Self.isDatabase($0) ? nil : "a URL like postgresql://user@host/name, or key=value text"
        }
        interview = person
        return text
    }

    private func logs(_ interview: inout Interview<TerminalPerson>?) throws(DoorbellError) -> [String] {
        guard logs.isEmpty, poll.isEmpty else { return logs }
        guard var person = interview else {
            throw DoorbellError(
                .usage, "it is not known what is polled", hint: "name an access log, or give --poll 'GET /path/{name}'")
        }
        let text = try person.text("an access log of the API", default: nil) {
            FileManager.default.fileExists(atPath: $0) ? nil : "there is no file \($0)"
        }
        interview = person
        return [text]
    }

    private static func isDatabase(_ text: String) -> Bool {
        text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") || !text.contains("://") && text.contains("=")
    }

    /// What a URL has to be that this one is not, as the configuration takes it; `nil`: nothing. It may hold a password, so it is not repeated.
    private static func refusal(upstream text: String) -> String? {
        let like = "a URL like http://127.0.0.1:3000"
        guard let scheme = ["http://", "https://"].first(where: { text.lowercased().hasPrefix($0) }) else {
            return "\(like): it must begin with http:// or https://"
        }
        do {
            _ = try URLAuthority(text.dropFirst(scheme.count).prefix { !"/?#".contains($0) })
        } catch {
            return "\(like): it \(error)"
        }
        return text.contains { $0.isWhitespace || "?#".contains($0) }
            ? "\(like): it must not have spaces, '?' or '#'" : nil
    }

    // MARK: What is found

    private func assess(
        _ logs: [String], _ inventory: DatabaseInventory, _ database: DatabaseDescription
    ) throws(DoorbellError) -> Assessment {
        var assessor = LogAssessor()
        if let format { assessor.format = try LogFormat(format, client: client) }
        assessor.client = client
        let recorded: TableChanges
        if let changes {
            recorded = try TableChanges(file: changes)
        } else {
            recorded = TableChanges(try inventory.recordedChanges())
        }
        if !recorded.isEmpty { assessor.tableChanges = recorded }
        var bar = ProgressBar()
        defer { bar.clear() }
        let assessment = try assessor.assess(logs) { bar.show(bytes: $0.bytes, total: $0.total) }
        bar.clear()
        var notes = assessment.notes + recorded.remarks(database, begin: assessment.begin, end: assessment.end)
        if assessment.badLines > 0 {
            notes.append(
                "\(assessment.badLines) of \(assessment.lines) lines of the logs could not be read: 'doorbell assess' shows them"
            )
        }
        for note in notes { Terminal.complain("note: \(note)") }
        return assessment
    }

    private func draft(
        _ proposal: Proposal, _ database: DatabaseDescription, _ assessment: Assessment?, _ upstream: String?
    ) -> ConfigurationDraft {
        let logs = assessment.map { " and logs of \($0.begin.rfc3339) to \($0.end.rfc3339)" } ?? ""
        var draft = ConfigurationDraft(
            heading: [
                "Made by 'doorbell init' from the catalogue of \(database.place)\(logs).",
                "1. Read the tables of each feature: they were found by what the comments say, and one that is missing is never told.",
                "2. 'doorbell check --offline' checks this file, 'doorbell install --dry-run' prints what would be done to the database.",
                "3. 'doorbell serve', then 'doorbell stage NAME shadow' and 'doorbell parity': what push would have missed.",
            ],
            database: "${DATABASE_URL}", databaseComment: nil, upstream: upstream ?? "http://127.0.0.1:3000",
            upstreamComment: upstream == nil ? "the API that is polled now; to be filled in" : nil, proposal: proposal)
        if ListenAddress(host: "0.0.0.0", port: 8080).isReached(by: draft.upstream) { draft.listen = "0.0.0.0:8090" }
        if ListenAddress(host: "127.0.0.1", port: 8081).isReached(by: draft.upstream) {
            draft.admin = "127.0.0.1:8091"
        }
        return draft
    }

    private func report(_ configuration: Configuration, _ output: OutputFile) {
        let features = configuration.features
        let empty = features.filter(\.tables.isEmpty).map(\.name)
        // What is written to standard output is the file, and nothing else.
        if !output.isStandardOutput {
            let names = features.map(\.name).joined(separator: ", ")
            Terminal.print("wrote \(config): \(features.count) feature\(features.count == 1 ? "" : "s") (\(names))")
        }
        if !empty.isEmpty {
            Terminal.complain("note: no table was found for \(empty.joined(separator: ", ")): to be filled in")
        }
        if ProcessInfo.processInfo.environment["DATABASE_URL"]?.isEmpty != false {
            Terminal.complain("note: the file names the variable DATABASE_URL; set it to the database's URL")
        }
        if !output.isStandardOutput {
            let file = config == "doorbell.yaml" ? "" : " --config \(config)"
            Terminal.print(
                "next: read it, then 'doorbell check --offline\(file)' and 'doorbell install --dry-run\(file)'")
        }
    }
}
