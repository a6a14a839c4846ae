import Testing

@testable import Doorbell

/// `admin`, short and long, with its token.
@Suite struct AdminConfigurationTests {
    private static let token = "0123456789abcdef"

    private func read(_ admin: String, _ environment: [String: String] = [:]) throws -> Configuration {
        try ConfigurationTests.read(ConfigurationTests.minimal + "\n" + admin, environment)
    }

    @Test("an address alone, or a mapping with an address and a token")
    func forms() throws {
        let short = try read("admin: 127.0.0.1:9")
        #expect(short.admin.port == 9 && short.adminToken == nil && short.warnings == [])
        let long = try read("admin: { listen: 0.0.0.0:9, token: \"${T}\" }", ["T": Self.token])
        #expect(long.admin.description == "0.0.0.0:9" && long.adminToken == AdminToken(Self.token))
        #expect(long.warnings == [])
        let half = try read("admin: { token: \"${T}\" }", ["T": Self.token])
        #expect(half.admin.port == 8081 && half.adminToken != nil)
    }

    @Test("environment variables win over the file")
    func environment() throws {
        let variables = ["DOORBELL_ADMIN": ":7", "DOORBELL_ADMIN_TOKEN": Self.token]
        for admin in ["admin: nonsense", "admin: { listen: nonsense, token: short }", ""] {
            let configuration = try read(admin, variables)
            #expect(configuration.admin.port == 7 && configuration.adminToken == AdminToken(Self.token))
        }
        #expect(
            problems(ConfigurationTests.minimal, ["DOORBELL_ADMIN_TOKEN": "hunter2"]) == [
                "DOORBELL_ADMIN_TOKEN: admin.token must be 16 to 512 letters, digits and signs without spaces; 'openssl rand -hex 24' makes one"
            ])
    }

    @Test("a port beyond this machine without a token, and a token in the file, are remarked on")
    func remarks() throws {
        #expect(
            try read("admin: :9").warnings.map(\.description) == [
                "doorbell.yaml:7: 0.0.0.0:9 can be reached from beyond this machine, so it shows metrics and health only; write 'admin: { listen: 0.0.0.0:9, token: ${ADMIN_TOKEN} }'"
            ])
        #expect(
            try read("admin: { token: \(Self.token) }").warnings.map(\.message) == ["admin.token stands in the file"])
    }

    @Test(
        "mistakes are told by line, without the token",
        arguments: [
            (
                "admin: { token: hunter2 }",
                "7: admin.token must be 16 to 512 letters, digits and signs without spaces; 'openssl rand -hex 24' makes one"
            ),
            ("admin: { tokn: a }", "7: unknown key 'tokn' in admin; did you mean 'token'?"),
            ("admin: { listen: 5 }", "7: listen: '5' is not 'host:port'"),
            ("admin: [a]", "7: admin must be text, not a list"),
        ])
    func mistakes(_ admin: String, _ expected: String) {
        #expect(problems(ConfigurationTests.minimal + "\n" + admin) == [expected])
    }
}
