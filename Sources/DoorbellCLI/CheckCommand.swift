import ArgumentParser
import Doorbell
import DoorbellAuth
import DoorbellCore
import Foundation
import Logging

struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check the configuration, and the database against it.",
        discussion: """
            Reports every mistake in the file with its line, then asks the database whether every table and column is there \
            and captured. --offline leaves the database alone. The files of 'tls' are read too.

              doorbell check --offline                       the file only
              doorbell check --config staging.yaml
              doorbell check --keys | grep cache             what can be configured
            """)

    @OptionGroup var file: ConfigurationOption
    @Flag(help: "Check the file only, without connecting to the database.")
    var offline = false
    @Flag(help: "List every key of the configuration with its type, default and meaning.")
    var keys = false

    func run() async throws {
        if keys {
            Terminal.print(ConfigurationKeys.table)
            return
        }
        try await Terminal.reporting {
            let configuration = try file.load()
            for warning in configuration.warnings { Terminal.complain("note: \(warning)") }
            if let certificates = try configuration.openCertificates(logger: Logger(label: "doorbell")) {
                Self.remark(on: certificates.expiresAt)
            }
            try configuration.authentication?.check()
            let remarks = offline ? [] : try Installation(configuration).check()
            for remark in remarks { Terminal.complain("note: \(remark)") }
            let features = configuration.features
            Terminal.print(
                "\(file.config) is right: \(features.count) feature\(features.count == 1 ? "" : "s") "
                    + "(\(features.map(\.name).joined(separator: ", ")))"
                    + (offline ? "" : ", and the database is ready for it"))
        }
    }
}

extension CheckCommand {
    /// Certificates are renewed a month before they end, as a rule.
    private static func remark(on end: Timestamp) {
        let days = end.seconds(since: Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1e6))) / 86_400
        if days < 0 {
            Terminal.complain("note: the certificate is no longer valid, clients will refuse it")
        } else if days < 14 {
            Terminal.complain("note: the certificate is valid for another \(Int(days)) days only")
        }
    }
}

/// The reference of the configuration as a table for people.
enum ConfigurationKeys {
    static var table: String {
        let entries = ConfigurationReference.entries
        let width = entries.map(\.key.count).max() ?? 0
        let indent = String(repeating: " ", count: width + 2)
        return entries.map { entry in
            let name = entry.key + String(repeating: " ", count: width - entry.key.count)
            let standard = entry.defaultValue.map { ", default \($0)" } ?? ""
            return "\(name)  \(entry.type)\(standard)\n\(indent)\(entry.text)"
        }.joined(separator: "\n")
    }
}
