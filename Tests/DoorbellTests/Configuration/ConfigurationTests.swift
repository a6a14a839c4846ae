import DoorbellCore
import Foundation
import Testing

@testable import Doorbell

@Suite struct ConfigurationTests {
    /// The example of the design, but for what belongs to later versions.
    static let example = """
        database: ${DATABASE_URL}
        listen: 0.0.0.0:9090
        upstream: http://127.0.0.1:3000/

        features:
          notifications:
            poll: GET /api/users/{user_id}/notifications
            interval: 3s                       # what clients do today
            mode: rows
            tables:
              - name: public.notifications
                channel: user:{user_id}:notifications
              - name: notification_reads
                channel:
                  query: select 'user:' || n.user_id || ':notifications' from notifications n where n.id = {notification_id}
                capture: statement
                mode: signal
            message: notification
            versions:
              1: [id, body, read]
              2: { id: id, text: body, isRead: read, createdAt: created_at }
              3: { id: { column: id, as: string }, kind: { const: note }, at: { column: created_at } }
            authorize: poll
            batch: 50ms
            slow: disconnect
            history: { count: 500, age: 5m }
            stage: push
        """

    static let environment = ["DATABASE_URL": "postgres://app@db/app"]

    static func read(_ text: String, _ environment: [String: String] = environment) throws -> Configuration {
        try Configuration.parse(text, file: "doorbell.yaml", environment: environment)
    }

    @Test("the example is read whole")
    func example() throws {
        let configuration = try Self.read(Self.example)
        #expect(configuration.database == "postgres://app@db/app")
        #expect(configuration.listen == ListenAddress(host: "0.0.0.0", port: 9090))
        #expect(configuration.admin.description == "127.0.0.1:8081")
        #expect(configuration.upstream == "http://127.0.0.1:3000")
        #expect(configuration.origins == [])
        #expect(configuration.capture.retention == .seconds(600))
        #expect(configuration.capture.statementTables == [QualifiedName(schema: "public", name: "notification_reads")])
        #expect(configuration.warnings == [])
        let feature = try #require(configuration.features.first)
        #expect(feature.name == "notifications")
        #expect(feature.poll.source == "GET /api/users/{user_id}/notifications")
        #expect(feature.interval == .seconds(3))
        #expect(feature.mode == .rows)
        #expect(feature.batch == .milliseconds(50))
        #expect(feature.tables.map(\.mode) == [nil, .signal])
        #expect(feature.messageType == "notification")
        #expect(feature.slow == .disconnect)
        #expect(feature.history == HistoryLimits(count: 500, age: .seconds(300)))
        #expect(feature.start.stage == .push)
        #expect(feature.templates.map(\.source) == ["user:{user_id}:notifications"])
        #expect(feature.versions.map(\.version.number) == [1, 2, 3])
        #expect(
            feature.versions[2].projection
                == .fields([
                    .init(name: "id", source: .column("id", cast: .string)),
                    .init(name: "kind", source: .constant(Array("\"note\"".utf8))),
                    .init(name: "at", source: .column("created_at", cast: nil)),
                ]))
    }

    @Test("a feature may begin in canary, and says how its clients are told apart")
    func cohort() throws {
        func feature(_ lines: String, auth: String = "") throws -> Feature {
            try #require(try Self.read(Self.minimal + "\n" + lines + "\n" + auth, [:]).features.first)
        }
        let first = try feature(
            "    stage: canary\n    percent: 2.5\n    cohort: { cookie: sid, allow: [a], deny: [b] }")
        #expect(first.start == Rollout(.canary, percent: Percent("2.5")))
        #expect(first.cohort == CohortRule(.cookie("sid"), allow: ["a"], deny: ["b"]))
        let second = try feature("    cohort: { by: address, allow: ['2001:DB8::1:2:3:4', 192.0.2.7] }")
        #expect(second.cohort == CohortRule(.address, allow: ["2001:db8:0:0:0:0:0:0/64", "192.0.2.7"]))
        let auth = "auth: { secret: 0123456789abcdef0123456789abcdef, subject: user.id, cookie: token }"
        #expect(try feature("", auth: auth).cohort.identity == .user(claim: "user.id", cookie: "token"))
        #expect(
            try feature("    cohort: { claim: org }", auth: auth).cohort.identity
                == .user(claim: "org", cookie: "token"))
        #expect(try feature("    stage: retired").start.share == .all)
    }

    @Test("how polling ends is read: dates, links, and windows in the order of time")
    func retirement() throws {
        let text = """

                retirement:
                  deprecated: 2026-12-01
                  sunset: 2027-06-01T12:00Z
                  link: https://example.com/polling
                  successor: /v2/orders
                  brownouts: [2027-05-02T10:00Z/2027-05-02T10:30Z, 2027-05-01T10:00Z/15m]
                  gone: true
            """
        let retirement = try #require(try Self.read(Self.minimal + text, [:]).features.first).retirement
        func at(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: text)) }
        #expect(
            retirement
                == Retirement(
                    deprecated: try at("2026-12-01"), sunset: try at("2027-06-01T12:00Z"),
                    link: "https://example.com/polling", successor: "/v2/orders",
                    brownOuts: [
                        try at("2027-05-01T10:00Z")..<at("2027-05-01T10:15Z"),
                        try at("2027-05-02T10:00Z")..<at("2027-05-02T10:30Z"),
                    ], isGone: true))
    }

    @Test("required columns are those that templates, queries and projections name")
    func requiredColumns() throws {
        let required = try Self.read(Self.example).requiredColumns
        #expect(required.map(\.table.description) == ["public.notifications", "public.notification_reads"])
        #expect(required[0].columns == ["user_id", "id", "body", "read", "created_at"])
        // Its rows are not shown to anybody, so they need no column of the versions.
        #expect(required[1].columns == ["notification_id"])
    }

    static let minimal = """
        database: dbname=app
        upstream: https://api.example
        features:
          orders:
            poll: GET /orders/{id}
            tables: [{ name: orders, channel: "orders:{id}" }]
        """

    @Test("what is not written has its default")
    func defaults() throws {
        let configuration = try Self.read(Self.minimal, [:])
        #expect(configuration.listen == ListenAddress(host: "0.0.0.0", port: 8080))
        #expect(configuration.limits.connections == 10_000)
        #expect(configuration.limits.messageSize == 65_536)
        let feature = configuration.features[0]
        #expect(feature.interval == .seconds(3))
        #expect(feature.start == Rollout(.observe))
        #expect(feature.cohort == CohortRule(.user(claim: "sub", cookie: nil)))
        #expect(feature.slow == .reset)
        #expect(feature.history == HistoryLimits())
        #expect(feature.parity == ParitySettings() && feature.gate == nil)
        #expect(feature.versions.count == 1)
        #expect(feature.versions[0].projection == .all)
    }

    @Test("a feature may be authorised by the claims of a token")
    func claims() throws {
        let text = Self.minimal.replacing("orders:{id}", with: "org:{org_id}:orders:{id}")
        let configuration = try Self.read(
            text + "\n    authorize: { org_id: org.id, id: sub }\nauth: { jwks: /etc/doorbell/jwks.json }", [:])
        #expect(
            configuration.features[0].authorize
                == .claims([.init(name: "org_id", claim: "org.id"), .init(name: "id", claim: "sub")]))
        // The URL does not name the organisation, which is no mistake where nobody asks the URL.
        #expect(configuration.warnings.map(\.line) == [6])
    }

    @Test("environment variables win over the file, which may then be wrong")
    func overrides() throws {
        let environment = [
            "DOORBELL_DATABASE": "postgres://other", "DOORBELL_LISTEN": "[::1]:1", "DOORBELL_ADMIN": ":2",
            "DOORBELL_UPSTREAM": "http://u",
        ]
        let configuration = try Self.read(
            "database: ${UNSET}\nlisten: nonsense\n" + Self.minimal.dropFirst(21), environment)
        #expect(configuration.database == "postgres://other")
        #expect(configuration.listen == ListenAddress(host: "::1", port: 1))
        #expect(configuration.listen.description == "[::1]:1")
        #expect(configuration.admin == ListenAddress(host: "0.0.0.0", port: 2))
        #expect(configuration.upstream == "http://u")
    }

    @Test("a wrong environment variable is blamed by its name")
    func wrongOverride() {
        #expect(
            problems(Self.minimal, ["DOORBELL_LISTEN": "here:99999"])
                == ["DOORBELL_LISTEN: listen: the port 99999 is not from 0 to 65535"])
        #expect(
            problems(Self.minimal, ["DOORBELL_UPSTREAM": "api:3000"])
                == [
                    "DOORBELL_UPSTREAM: upstream must begin with 'http://' or 'https://', not 'api:3000'; did you mean 'http://api:3000'?"
                ])
    }

    @Test("variables are filled in after parsing, so that a value is never YAML")
    func injection() throws {
        let text = Self.minimal + "\n    message: ${NAME:-order}\n    versions: { 1: { a: { const: \"${EVIL}\" } } }\n"
        let configuration = try Self.read(text, ["EVIL": "x\" } }\nlisten: 1.2.3.4:5"])
        #expect(configuration.listen.host == "0.0.0.0")
        #expect(configuration.features[0].messageType == "order")
        #expect(
            configuration.features[0].versions[0].projection
                == .fields([.init(name: "a", source: .constant(Array(#""x\" } }\nlisten: 1.2.3.4:5""#.utf8)))]))
    }

    @Test(
        "an escaped variable is left alone",
        arguments: [
            ("$${A}", "${A}"), ("$A", "$A"), ("${A}-${B:-b}", "1-b"), ("${E:-e}", "e"), ("a$", "a$"),
            ("$$${A}", "$${A}"),
        ])
    func escapes(_ raw: String, _ expected: String) {
        let reader = ConfigurationReader(file: "f", environment: ["A": "1", "E": ""])
        #expect(reader.expand(raw, .init(line: 1, column: 1)) == expected)
        #expect(reader.problems.isEmpty)
    }

    @Test(
        "constants become JSON by what YAML says they are",
        arguments: [
            ("text", "\"text\""), ("5", "5"), ("-1.50", "-1.50"), ("\"5\"", "\"5\""), ("true", "true"), ("~", "null"),
            ("0x10", "\"0x10\""), ("[1, a, null]", "[1,\"a\",null]"), ("{ a: { b: false } }", "{\"a\":{\"b\":false}}"),
            ("''", "\"\""),
        ])
    func constants(_ yaml: String, _ json: String) throws {
        let configuration = try Self.read(Self.minimal + "\n    versions: { 1: { a: { const: \(yaml) } } }\n", [:])
        #expect(
            configuration.features[0].versions[0].projection
                == .fields([.init(name: "a", source: .constant(Array(json.utf8)))]))
    }

    @Test("durations and sizes are read and written with their units", arguments: ["250ms", "3s", "10m", "1h", "7d"])
    func durations(_ text: String) throws {
        #expect(Units.text(try #require(Units.duration(text))) == text)
    }

    @Test(
        "numbers without a unit, signs, fractions and overflow are no durations",
        arguments: [
            "3", "", "s", "-3s", "1.5s", "3 s", "3S", "99999999999999999999s", "3sec", "٣s",
        ])
    func badDurations(_ text: String) {
        #expect(Units.duration(text) == nil)
        #expect(Units.size(text) == nil)
    }

    @Test("a cache has defaults, and one for everybody is remarked on where not everybody may subscribe")
    func cache() throws {
        let minimal = try Self.read(Self.minimal, [:])
        #expect(minimal.features[0].cache == nil && minimal.cache.size == 64 << 20 && minimal.cache.lag == .seconds(3))
        let plain = try Self.read(Self.minimal + "\n    cache: true\ncache: { size: 2MiB }", [:])
        #expect(plain.features[0].cache == Feature.Caching(maxAge: .seconds(60), identity: .credentials))
        #expect(plain.cache.size == 2 << 20 && plain.warnings == [])
        let open = try Self.read(Self.minimal + "\n    cache: { maxAge: 5s, identity: public }", [:])
        #expect(open.features[0].cache == Feature.Caching(maxAge: .seconds(5), identity: .public))
        #expect(open.warnings.count == 1)
        let all = "\n    authorize: public\n    cache: { identity: public }"
        #expect(try Self.read(Self.minimal + all, [:]).warnings == [])
    }

    @Test("warnings do not stop anything")
    func warnings() throws {
        let configuration = try Self.read(
            Self.minimal + "\n    mode: signal\n    versions: { 1: [id] }\n    history: { age: 1h }\n", [:])
        #expect(
            configuration.warnings.map(\.description) == [
                "doorbell.yaml:4: features.orders.history.age is longer than capture.retention: after a restart, history goes back 10m only",
                "doorbell.yaml:8: features.orders.versions does nothing in 'mode: signal', which sends no rows",
            ])
    }

    @Test("a missing file, a directory and a file that is not text are told apart")
    func files() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("doorbell-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("a.yaml")
        func failure(_ path: String) -> String? {
            do throws(ConfigurationError) {
                _ = try Configuration.load(file: path, environment: [:])
                return nil
            } catch {
                return error.description
            }
        }
        #expect(failure(file.path) == "\(file.path): there is no such file; name one with --config FILE")
        #expect(failure(folder.path) == "\(folder.path): this is a directory")
        try Data([0x61, 0xFF]).write(to: file)
        #expect(failure(file.path) == "\(file.path): the file is not UTF-8 text")
        try Data(Self.minimal.utf8).write(to: file)
        #expect(failure(file.path) == nil)
    }
}

/// Each problem as it is printed; empty when there is none.
func problems(_ text: String, _ environment: [String: String] = [:]) -> [String] {
    do throws(ConfigurationError) {
        _ = try Configuration.parse(text, file: "doorbell.yaml", environment: environment)
        return []
    } catch {
        return error.problems.map { $0.description.replacing("doorbell.yaml:", with: "") }
    }
}
