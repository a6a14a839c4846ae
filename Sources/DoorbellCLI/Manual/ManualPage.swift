import Foundation

/// A manual page in the language of man(7), from the description of a command that ArgumentParser gives. Pure.
struct ManualPage {
    /// The part of `--experimental-dump-help` that a page has.
    struct Tool: Decodable {
        let command: Command
    }

    struct Command: Decodable {
        let commandName: String
        let abstract: String?
        let discussion: String?
        let shouldDisplay: Bool?
        let subcommands: [Command]?
        let arguments: [Argument]?
    }

    struct Argument: Decodable {
        struct Name: Decodable {
            let kind: String
            let name: String
        }

        let kind: String
        let shouldDisplay: Bool
        let isOptional: Bool
        let isRepeating: Bool
        let names: [Name]?
        let valueName: String?
        let defaultValue: String?
        let abstract: String?
    }

    private let command: Command
    private let version: String

    init?(json: Data, version: String) {
        guard let tool = try? JSONDecoder().decode(Tool.self, from: json) else { return nil }
        command = tool.command
        self.version = version
    }

    var text: String {
        let name = command.commandName
        var lines = [
            ".TH \(name.uppercased()) 1 \"\" \"\(Self.escaped(version))\" \"User Commands\"",
            ".SH NAME", "\(Self.escaped(name)) \\- \(Self.escaped(command.abstract ?? ""))",
            ".SH SYNOPSIS", ".B \(Self.escaped(name))", ".I command", "[options]",
            ".SH DESCRIPTION",
        ]
        lines += Self.body(command.discussion ?? "")
        lines.append(".SH COMMANDS")
        for sub in command.subcommands ?? [] where sub.shouldDisplay ?? true && sub.commandName != "help" {
            lines.append(".SS \"\(Self.escaped(synopsis(sub)))\"")
            lines.append(Self.escaped(sub.abstract ?? ""))
            if let discussion = sub.discussion, !discussion.isEmpty { lines += [".PP"] + Self.body(discussion) }
            for argument in sub.arguments ?? [] where argument.shouldDisplay {
                lines += [".TP", ".B \(Self.escaped(Self.label(argument)))", Self.escaped(Self.meaning(argument))]
            }
        }
        lines += [
            ".SH ENVIRONMENT", ".TP", ".B DATABASE_URL",
            "Where the database is, as the configuration names it by habit.",
            ".TP", ".B DOORBELL_DATABASE, DOORBELL_LISTEN, DOORBELL_UPSTREAM, DOORBELL_ADMIN, DOORBELL_ADMIN_TOKEN",
            "Win over what the configuration says.",
            ".SH FILES", ".TP", ".B doorbell.yaml",
            "The configuration. \\(aqdoorbell check \\-\\-keys\\(aq lists what it takes.",
        ]
        return lines.joined(separator: "\n") + "\n"
    }

    private func synopsis(_ sub: Command) -> String {
        let places = (sub.arguments ?? []).filter { $0.kind == "positional" && $0.shouldDisplay }.map { argument in
            let name = "<\(argument.valueName ?? "value")>" + (argument.isRepeating ? " ..." : "")
            return argument.isOptional ? "[\(name)]" : name
        }
        return ([command.commandName, sub.commandName] + places).joined(separator: " ")
    }

    private static func label(_ argument: Argument) -> String {
        guard argument.kind != "positional" else { return "<\(argument.valueName ?? "value")>" }
        let all = argument.names ?? []
        let names = (all.filter { $0.kind != "long" } + all.filter { $0.kind == "long" }).map {
            ($0.kind == "long" ? "--" : "-") + $0.name
        }.joined(separator: ", ")
        return argument.kind == "option" ? "\(names) <\(argument.valueName ?? "value")>" : names
    }

    private static func meaning(_ argument: Argument) -> String {
        let standard = argument.kind == "flag" ? nil : argument.defaultValue.map { " (default: \($0))" }
        return (argument.abstract ?? "") + (standard ?? "")
    }

    /// Paragraphs; lines that are indented stay as they are.
    private static func body(_ text: String) -> [String] {
        var lines: [String] = []
        var isExample = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("  ") != isExample, !line.isEmpty {
                lines += isExample ? [".fi", ".PP"] : [".PP", ".nf"]
                isExample.toggle()
            }
            if line.isEmpty {
                if !isExample { lines.append(".PP") }
            } else {
                lines.append(escaped(String(line)))
            }
        }
        if isExample { lines.append(".fi") }
        return lines
    }

    /// A backslash, a hyphen and a quote have meanings, and so has a dot or a quote that begins a line. What is not ASCII is
    /// named, because groff reads Latin-1 unless it is told.
    private static func escaped(_ text: String) -> String {
        var result = text.first == "." || text.first == "'" ? "\\&" : ""
        for character in text {
            switch character {
            case "\\": result += "\\(rs"
            case "-": result += "\\-"
            case "'": result += "\\(aq"
            case "\"": result += "\\(dq"
            default:
                for scalar in character.unicodeScalars {
                    if scalar.isASCII {
                        result.unicodeScalars.append(scalar)
                    } else {
                        let digits = String(scalar.value, radix: 16, uppercase: true)
                        result += "\\[u\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)]"
                    }
                }
            }
        }
        return result
    }
}
