import ArgumentParser
import Foundation
import Testing

@testable import DoorbellCLI

/// Every command explains itself, with examples that work.
@Suite struct HelpTests {
    private let commands: [ManualPage.Command]

    init() throws {
        let tool = try JSONDecoder().decode(ManualPage.Tool.self, from: Data(DoorbellCommand._dumpHelp().utf8))
        commands = (tool.command.subcommands ?? []).filter { $0.shouldDisplay ?? true && $0.commandName != "help" }
    }

    /// The lines of a discussion that are indented, from `doorbell` on, without the remark behind them and what they are piped into.
    private static func examples(_ discussion: String?) -> [[String]] {
        (discussion ?? "").split(separator: "\n").filter { $0.hasPrefix("  ") }.compactMap { line in
            guard let begin = line.range(of: "doorbell ", options: .backwards) else { return nil }
            let rest = line[begin.upperBound...]
            let end = ["  ", " | ", " > "].compactMap { rest.range(of: $0)?.lowerBound }.min() ?? rest.endIndex
            return words(rest[..<end])
        }
    }

    /// As a shell divides them.
    private static func words(_ text: Substring) -> [String] {
        var words: [String] = []
        var word: String?
        var isQuoted = false
        for character in text {
            if character == "'" {
                isQuoted.toggle()
                word = word ?? ""
            } else if character == " ", !isQuoted {
                if let word { words.append(word) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        return words + (word.map { [$0] } ?? [])
    }

    @Test("every command has an example, and each example is one that the command takes")
    func examples() throws {
        #expect(commands.count >= 17)
        for command in commands {
            #expect(command.abstract?.isEmpty == false, "\(command.commandName) has no abstract")
            let own = Self.examples(command.discussion).filter { $0.first == command.commandName }
            #expect(!own.isEmpty, "'doorbell \(command.commandName) --help' has no example")
            for example in own {
                #expect(throws: Never.self, "doorbell \(example.joined(separator: " "))") {
                    _ = try DoorbellCommand.parseAsRoot(example)
                }
            }
        }
    }

    @Test("every option and argument is explained")
    func explained() {
        for command in commands {
            for argument in command.arguments ?? [] where argument.shouldDisplay {
                #expect(
                    argument.abstract?.isEmpty == false,
                    "\(command.commandName): \(argument.names?.last?.name ?? "argument")")
            }
        }
    }

    @Test("the overview names every command")
    func overview() {
        let overview = DoorbellCommand.configuration.discussion
        for command in commands where command.commandName != "uninstall" {
            #expect(overview.contains("doorbell \(command.commandName)"), "\(command.commandName)")
        }
    }

    @Test("the manual page has every command and option, and is one that man understands")
    func manual() throws {
        let made = try DoorbellProcess.run(["man"])
        #expect(made.status == 0)
        #expect(made.output.hasPrefix(".TH DOORBELL 1 "))
        for command in commands {
            #expect(made.output.contains(".SS \"doorbell \(command.commandName)"), "\(command.commandName)")
        }
        #expect(made.output.contains("\n.B \\-\\-dry\\-run\n"))
        #expect(made.output.contains("\n.B \\-c, \\-\\-config <file>\n"))
        // groff reads Latin-1 unless it is told.
        #expect(made.output.utf8.allSatisfy { $0 < 0x80 })
        #expect(made.output.contains("Cookie: \\[u2026]"))
        // A line of text that begins with a dot would be taken for a request.
        let requests = [".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".I", ".nf", ".fi"]
        for line in made.output.split(separator: "\n") where line.first == "." || line.first == "'" {
            #expect(requests.contains(String(line.prefix { $0 != " " })), "\(line)")
        }
    }

    @Test("a step that takes a while says for how long already")
    func step() {
        #expect(StepLine.text("the database", after: 0) == "… the database")
        #expect(StepLine.text("the database", after: 12) == "… 12 s: the database")
    }

    @Test("a line that is written again does not wrap")
    func narrow() {
        #expect(TerminalLine.cut("… the database", to: nil) == "… the database")
        #expect(TerminalLine.cut("… the database", to: 15) == "… the database")
        #expect(TerminalLine.cut("… the database", to: 14) == "… the databa…")
        #expect(TerminalLine.cut("abc", to: 1) == "…")
    }

    @Test("what is not a description of a command is no manual page")
    func unreadable() { #expect(ManualPage(json: Data("{}".utf8), version: "1") == nil) }
}
