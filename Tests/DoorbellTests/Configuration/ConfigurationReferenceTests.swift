import Testing

@testable import Doorbell

@Suite struct ConfigurationReferenceTests {
    /// Writes every key there is, so that the reader looks every key up.
    static let everything =
        ConfigurationTests.example + """


                channel: user:{user_id}:notifications
                presence: true
                cohort: { by: user, claim: sub, allow: [a], deny: [b] }
                parity:
                  enabled: true
                  ignore: [$.serverTime]
                  unordered: [$.items]
                  items: { path: $.items, key: id, version: 2 }
                cache: { maxAge: 5s, identity: public, revalidate: origin, settle: 1s, ignore: [_] }
                retirement: { deprecated: 2030-01-01, sunset: 2030-06-01, link: /a, successor: /b, brownouts: [], gone: false }
                gate:
                  { interval: 1m, threshold: 2, step: 5, max: 50, minimum: 9, missed: 0.5, spurious: 20, errors: 2,
                    staleness: 2s, reconnects: 4, webhook: "https://hooks.example/x" }
            admin: { listen: 127.0.0.1:1, token: "${ADMIN_TOKEN:-0123456789abcdef}" }
            origins: [https://a.example]
            requestHeaders: [x-tenant]
            compression: true
            accessLog: access.log
            tls: { certificate: a.pem, key: b.pem, minimumVersion: 1.3, checkInterval: 1s }
            auth:
              secret: "${SECRET:-0123456789abcdef0123456789abcdef}"
              algorithms: [HS256]
              issuers: [https://issuer.example]
              audiences: [api]
              clockSkew: 10s
              subject: user.id
              channels: channels
              cookie: session
              queryToken: true
              required: true
              deadline: 5s
            capture: { retention: 1h, bell: never, role: r }
            cache: { size: 1MiB, lag: 2s }
            comparison:
              retention: 1h
              legacy: { pid: 1 }
              prices: { requests: 2, traffic: 0.1, connections: 0, cpu: 0.05, currency: EUR }
            limits:
              connections: 1
              connectionsPerAddress: 1
              unlimitedAddresses: [192.0.2.1]
              messageRate: 1
              idleTime: 1s
              stallTime: 1s
              tunnels: 1
              tunnelIdleTime: 1s
              subscriptionsPerConnection: 1
              requestsPerConnection: 1
              messageSize: 1KiB
              sendBudget: 16KiB
              headerSize: 1KiB
              handshakeTime: 1s
              heartbeat: 1s
              reauthorize: 1s
              upstreamTimeout: 1s
            """

    @Test("the reader knows the keys of the reference and no others")
    func sameKeys() throws {
        let reader = ConfigurationReader(file: "f", environment: ConfigurationTests.environment)
        let configuration = Configuration.read(Self.everything, with: reader)
        #expect(reader.problems.map(\.description) == [])
        #expect(configuration?.limits.sendBudget == 16_384)
        let documented = Set(ConfigurationReference.entries.map(\.key))
        #expect(reader.asked.subtracting(documented) == [])
        #expect(documented.subtracting(reader.asked) == [])
    }

    @Test("every key is documented once, with a type and a sentence")
    func documented() {
        let entries = ConfigurationReference.entries
        #expect(Set(entries.map(\.key)).count == entries.count)
        for entry in entries {
            #expect(!entry.type.isEmpty)
            #expect(entry.text.hasSuffix(".") && entry.text.count > 5, "\(entry.key)")
        }
    }

    @Test("documented defaults are the real ones")
    func defaults() throws {
        var lines: [String] = []
        for entry in ConfigurationReference.entries {
            guard let standard = entry.defaultValue else { continue }
            let parts = entry.key.split(separator: ".")
            if parts.count == 2, parts[0] == "limits" || parts[0] == "capture" {
                lines.append("\(parts[1]): \(standard)")
            }
        }
        let limits = lines.filter { !["retention", "bell", "role", "publishers"].contains($0.prefix { $0 != ":" }) }
        let capture = lines.filter { !limits.contains($0) }
        #expect(limits.count == 18 && capture.count == 4)
        let written = try ConfigurationTests.read(
            ConfigurationTests.minimal + "\nlimits: { \(limits.joined(separator: ", ")) }"
                + "\ncapture: { \(capture.joined(separator: ", ")) }", [:])
        #expect("\(written.limits)" == "\(Configuration.Limits())")
        #expect("\(written.capture)" == "\(Configuration.Capture())")
    }
}
