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
    @Option(
        help: ArgumentHelp(
            "Write a page with plots to this file, '-' for standard output, and print nothing else.", valueName: "file")
    )
    var html: String?
    @Flag(help: "Replace a file that exists.")
    var force = false

    func validate() throws {
        guard let duration = Units.duration(since), (.seconds(60) ... .seconds(400 * 86_400)).contains(duration) else {
            throw ValidationError("--since must be a time from 1m to 400d, such as 24h, not '\(since)'")
        }
        if html != nil, watch || json { throw ValidationError("--html goes without --watch and --json") }
        try OutputFile.validate(html, option: "--html")
    }

    func run() async throws {
        try await Terminal.reporting {
            let configuration = try file.load()
            var path = "/comparison?since=\(since)&points=\(html == nil ? "none" : feature == nil ? "paths" : "all")"
            // A feature's name needs no encoding.
            if let feature {
                path += "&feature=\(try StageControl.feature(feature, among: configuration.features).name)"
            }
            let page = html.map { OutputFile(path: $0, force: force) }
            try page?.check()
            let admin = AdminClient(configuration)
            // The database has a minute for it.
            let patience: Int64 = 90
            if let page {
                let report = try report(try await admin.get(path, within: patience), admin)
                try page.write(ComparisonPage.html(report, feature: feature, prices: configuration.prices))
                if !page.isStandardOutput { Terminal.print("wrote \(page.path)") }
                return
            }
            try await Watch.run(watch) {
                let answer = try await admin.get(path, within: patience)
                return json
                    ? answer : try report(answer, admin).text(feature: feature, prices: configuration.prices)
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
}
