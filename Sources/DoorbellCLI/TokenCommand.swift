import ArgumentParser
import Doorbell
import DoorbellAuth
import DoorbellCore
import Foundation

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Make a token that the service takes, to try things out.",
        discussion: """
            Signs with 'auth.secret' of the configuration, and fills in issuer and audience as it wants them. Where 'auth' names public keys, \
            only their issuer can make tokens. Whoever holds the token is the user, until it ends: mind where you paste it.

              doorbell token --subject 7
              doorbell token --subject 7 --claim 'roles=["admin"]' --expires 15m
              DOORBELL_TOKEN=$(doorbell token --subject 7) doorbell tail user:7:inbox
            """)

    @OptionGroup var file: ConfigurationOption
    @Option(name: .shortAndLong, help: ArgumentHelp("Who it is for.", valueName: "user"))
    var subject: String
    @Option(help: ArgumentHelp("Another claim; what is not JSON is text. Repeatable.", valueName: "name=value"))
    var claim: [String] = []
    @Option(help: ArgumentHelp("How long it is good, such as 15m; at most 30d.", valueName: "time"))
    var expires = "1h"

    private static let longest: Duration = .seconds(30 * 86_400)

    func validate() throws {
        guard !subject.isEmpty else { throw ValidationError("--subject is empty") }
        for text in claim where !text.dropFirst().contains("=") {
            throw ValidationError("--claim takes name=value, not '\(text)'")
        }
        for text in claim where ["exp", "iat"].contains(Self.name(text)) {
            throw ValidationError("--claim '\(text)': how long the token is good is said by --expires")
        }
        guard let duration = Units.duration(expires), duration > .zero, duration <= Self.longest else {
            throw ValidationError("--expires takes a time like 15m or 1h, at most 30d, not '\(expires)'")
        }
    }

    func run() async throws {
        try await Terminal.reporting {
            let configuration = try file.load()
            guard let authentication = configuration.authentication else {
                throw DoorbellError(
                    .configuration, "\(file.config) has no 'auth': clients have no tokens",
                    hint: "The legacy API alone knows them; give its cookie or header where a command takes --header.")
            }
            guard let signer = TokenSigner(authentication.tokens) else {
                throw DoorbellError(
                    .configuration, "'auth' names public keys: only their issuer can make tokens",
                    hint: "Get one where your clients get theirs.")
            }
            let subject = authentication.tokens.subjectClaim
            if claim.contains(where: { Self.name($0) == subject }) {
                throw DoorbellError(.usage, "--claim '\(subject)=…': who the token is for is said by --subject")
            }
            Terminal.print(signer.token(claims: try claims(authentication.tokens, now: Date())))
        }
    }

    private static func name(_ claim: String) -> Substring { claim.prefix { $0 != "=" } }

    private func claims(_ tokens: TokenConfiguration, now: Date) throws -> [UInt8] {
        var claims: [String: Any] = [:]
        if let issuer = tokens.issuers.first { claims["iss"] = issuer }
        if let audience = tokens.audiences.first { claims["aud"] = audience }
        for text in claim {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = String(parts[1])
            claims[String(parts[0])] =
                (try? JSONSerialization.jsonObject(with: Data(value.utf8), options: .fragmentsAllowed)) ?? value
        }
        let moment = Int(now.timeIntervalSince1970)
        let duration = Units.duration(expires) ?? .seconds(3600)
        claims["iat"] = moment
        claims["exp"] = moment + max(1, Int(duration.components.seconds))
        // `a.b` names a claim within another.
        let path = tokens.subjectClaim.split(separator: ".").map(String.init)
        claims = Self.setting(subject, at: path[...], in: claims)
        return Array(
            try JSONSerialization.data(withJSONObject: claims, options: [.sortedKeys, .withoutEscapingSlashes]))
    }

    private static func setting(_ value: String, at path: ArraySlice<String>, in object: [String: Any]) -> [String: Any]
    {
        guard let name = path.first else { return object }
        var object = object
        object[name] =
            path.count == 1
            ? value : setting(value, at: path.dropFirst(), in: object[name] as? [String: Any] ?? [:])
        return object
    }
}
