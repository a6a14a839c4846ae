import ArgumentParser
import Doorbell
import DoorbellCore
import Foundation

struct StageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stage",
        abstract: "Where each feature stands between polling and push; moves one.",
        discussion: """
            Works on the database itself, so the service need not run; when it runs, every node and every connected client \
            follows within a second. Stages are observe, shadow, canary, push and retired; any step is allowed, forwards and back.

              doorbell stage                                      all features
              doorbell stage orders                               one, and its last steps
              doorbell stage orders canary --percent 5 --why try  for a share of the clients
              doorbell stage orders --percent 20                  more of them
              doorbell stage orders observe --why 'incident 12'   everybody polls, at once
            """)

    @Argument(help: "A feature of the configuration; none: all are listed.")
    var feature: String?
    @Argument(help: "observe, shadow, canary, push or retired.", transform: Self.stage)
    var stage: Stage?
    @OptionGroup var file: ConfigurationOption
    @Option(
        help: ArgumentHelp("The share of clients in canary, 0 to 100.", valueName: "number"), transform: Self.percent)
    var percent: Percent?
    @Option(help: ArgumentHelp("The reason, for the audit log.", valueName: "text"))
    var why: String?
    @Option(help: ArgumentHelp("Who does it, for the audit log. Default: $USER.", valueName: "name"))
    var by: String?
    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        guard feature != nil || (percent == nil && why == nil && by == nil) else {
            throw ValidationError("name a feature to be moved")
        }
        guard stage != nil || percent != nil || (why == nil && by == nil) else {
            throw ValidationError("name the stage that '\(feature ?? "")' is to be moved to")
        }
        if stage == .canary, percent == nil { throw ValidationError("canary needs a percentage: canary --percent 5") }
        if let stage, stage != .canary, percent != nil {
            throw ValidationError("only canary has a percentage, not \(stage.rawValue)")
        }
        if let why, why.utf8.count > StageChange.maximumWhy { throw ValidationError("--why is too long") }
        if let by, by.isEmpty || by.utf8.count > StageChange.maximumWho {
            throw ValidationError("--by is empty or too long")
        }
    }

    func run() async throws {
        try await Terminal.reporting {
            let control = StageControl(try file.load())
            guard let feature else {
                let standings = try control.list()
                return Terminal.print(json ? StageJSON.text(standings) : StageOutput.table(standings))
            }
            guard stage != nil || percent != nil else {
                let (standing, records) = try control.show(feature)
                return Terminal.print(
                    json ? StageJSON.text(standing, records) : StageOutput.text(standing, records))
            }
            let (before, after) = try control.move(
                feature, to: stage, percent: percent, who: by ?? Self.user, why: why)
            if json { return Terminal.print(StageJSON.text(after, nil)) }
            guard before.tellsTheSame(as: after.rollout), before.entry != nil else {
                return Terminal.print("\(feature): \(before) -> \(after.rollout)")
            }
            Terminal.print("\(feature): is \(before) already" + (why == nil ? "" : "; the reason was not recorded"))
        }
    }

    private static var user: String {
        let environment = ProcessInfo.processInfo.environment
        return [environment["USER"], environment["LOGNAME"], NSUserName()].compactMap(\.self).first { !$0.isEmpty }
            ?? "unknown"
    }

    private static func stage(_ text: String) throws -> Stage {
        guard let stage = Stage(rawValue: text) else {
            let known = Stage.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("'\(text)' is not a stage; use one of \(known)")
        }
        return stage
    }

    private static func percent(_ text: String) throws -> Percent {
        guard let percent = Percent(text) else {
            throw ValidationError("'\(text)' is not from 0 to 100 with at most two decimals")
        }
        return percent
    }
}
