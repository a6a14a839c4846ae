import ArgumentParser
import Doorbell
import DoorbellCore
import DoorbellRollout
import Foundation

struct CompareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Polling against push, as measured by the running service.",
        discussion: """
            polling: polls as they were. with ETags: the same polls, had every client sent If-None-Match; an estimate. held: polls that \
            waited for a change. push: messages, one for each client that was told. push/polling: what push took for as many changes \
            told, of the features that were both polled and pushed. told after: from the commit of a change until a client was told; for \
            polls, until the first poll that showed it. Money is an estimate from comparison.prices; the radio's time is one from the \
            moments at which clients sent and received, had they been on LTE phones. With a feature, each cohort is shown.

              doorbell compare
              doorbell compare orders --since 7d
              doorbell compare --html report.html            a page with plots
            """)

    @OptionGroup var file: ConfigurationOption
    @Argument(help: "A feature of the configuration; none: all.")
    var feature: String?
    @Option(help: ArgumentHelp("How far back, such as 15m, 24h or 7d; 1m to 400d.", valueName: "time"))
    var since = "24h"
    @Flag(help: "Print again every 2 seconds.")
    var watch = false
    @Flag(help: "Print JSON.")
    var json = false
    @Option(help: ArgumentHelp("Write a page with plots to this file, and print nothing else.", valueName: "file"))
    var html: String?

    func validate() throws {
        guard let duration = Units.duration(since), (.seconds(60) ... .seconds(400 * 86_400)).contains(duration) else {
            throw ValidationError("--since must be a time from 1m to 400d, such as 24h, not '\(since)'")
        }
        if html != nil, watch || json { throw ValidationError("--html goes without --watch and --json") }
        if html == "" { throw ValidationError("--html needs the name of a file") }
    }

    func run() async throws {
        try await Terminal.reporting {
            let configuration = try file.load()
            var path = "/comparison?since=\(since)&points=\(html == nil ? "none" : feature == nil ? "paths" : "all")"
            // A feature's name needs no encoding.
            if let feature {
                path += "&feature=\(try StageControl.feature(feature, among: configuration.features).name)"
            }
            let admin = AdminClient(configuration)
            while true {
                // The database has a minute for it.
                let answer = try await admin.get(path, within: 90)
                if let html {
                    return try write(
                        ComparisonPage.html(try report(answer, admin), feature: feature, prices: configuration.prices),
                        to: html)
                }
                let text =
                    json ? answer : try report(answer, admin).text(feature: feature, prices: configuration.prices)
                // To the top of the terminal, and nothing of before below.
                if watch, Terminal.standardOutputIsTerminal { Terminal.print("\u{1B}[H\u{1B}[2J", terminator: "") }
                Terminal.print(text.hasSuffix("\n") ? String(text.dropLast()) : text)
                guard watch else { return }
                try? await Task.sleep(for: .seconds(2))
            }
        }
    }

    private func report(_ json: String, _ admin: AdminClient) throws -> ComparisonReport {
        do {
            return try JSONDecoder().decode(ComparisonReport.self, from: Data(json.utf8))
        } catch {
            throw DoorbellError(
                .service, "the service at \(admin.address) answers with a comparison that this command does not know",
                hint: "Use the command of the version that is running.")
        }
    }

    private func write(_ page: String, to name: String) throws {
        do {
            try Data(page.utf8).write(to: URL(fileURLWithPath: name), options: .atomic)
        } catch {
            let reason = (error as NSError).userInfo[NSUnderlyingErrorKey].map {
                ($0 as? any Error)?.localizedDescription ?? "\($0)"
            }
            throw DoorbellError(.system, "cannot write '\(name)': \(reason ?? error.localizedDescription)")
        }
        Terminal.print("wrote \(name)")
    }
}
