import Testing

@testable import Doorbell

/// A table of wrong files and the sentences that they get, word for word.
@Suite struct ConfigurationMistakesTests {
    /// `lines` replace or extend the one feature of a right file, whose lines begin in line 5.
    private func feature(_ lines: String) -> [String] {
        problems(
            "database: dbname=app\nupstream: http://api\nfeatures:\n  orders:\n"
                + lines.split(separator: "\n").map { "    \($0)\n" }.joined())
    }

    private static let poll = "poll: GET /orders/{id}\n"
    private static let tables = "tables: [{ name: orders, channel: 'orders:{id}' }]\n"

    @Test(
        "files that are no configuration at all",
        arguments: [
            ("", ["doorbell.yaml: the file is empty; it needs at least 'database', 'upstream' and 'features'"]),
            (
                "# nothing\n",
                ["doorbell.yaml: the file is empty; it needs at least 'database', 'upstream' and 'features'"]
            ),
            ("[1]", ["1: the file must be a mapping ('key: value' lines), not a list"]),
            ("hello", ["1: the file must be a mapping ('key: value' lines), not text"]),
            ("a: [1", ["2: this is not YAML: while parsing a flow sequence, did not find expected ',' or ']'"]),
            (
                "a: b\n\tc: d\n",
                ["2: this is not YAML: while scanning a plain scalar, found a tab character that violates indentation"]
            ),
            (
                "a:\n\tb: 1\n",
                [
                    "2: this is not YAML: while scanning for the next token, found character that cannot start any token; lines are indented by spaces, not by tabs"
                ]
            ),
            ("a: *x\n", ["1: this is not YAML: found undefined alias"]),
            (
                "a: 1\n---\nb: 2\n",
                ["2: this is not YAML: expected a single document in the stream, but found another document"]
            ),
        ])
    func noConfiguration(_ text: String, _ expected: [String]) {
        #expect(problems(text).map { $0.hasPrefix(" ") ? "doorbell.yaml:" + $0 : $0 } == expected)
    }

    @Test("every mistake is told at once, in the order of the lines")
    func all() {
        let text = """
            databse: x
            listen: 8080
            upstream: api:3000
            features:
              notifications:
                poll: POST /x
                intervall: 3s
                mode: answer
                tables:
                  - name: public.notifications
                    chanel: user:{user_id}
                stage: canary
            """
        #expect(
            problems(text) == [
                "1: unknown key 'databse'; did you mean 'database'?",
                "1: 'database' is missing; write 'database: ${DATABASE_URL}'",
                "2: listen: '8080' is not 'host:port'",
                "3: upstream must begin with 'http://' or 'https://', not 'api:3000'; did you mean 'http://api:3000'?",
                "6: features.notifications.poll: write a poll as 'GET /path/{name}', not 'POST /x'",
                "7: unknown key 'intervall' in features.notifications; did you mean 'interval'?",
                "10: 'channel' is missing in features.notifications.tables[0]; write 'channel: orders:{id}'",
                "11: unknown key 'chanel' in features.notifications.tables[0]; did you mean 'channel'?",
                "12: 'percent' is missing in features.notifications; write 'percent: 1'",
            ])
    }

    @Test(
        "an upstream that cannot be reached so is refused, without what may be a password",
        arguments: [
            ("http://127.0.0.1:70000", "'http://127.0.0.1:70000' has a port that is not a number from 1 to 65535"),
            ("http://127.0.0.1:abc", "'http://127.0.0.1:abc' has a port that is not a number from 1 to 65535"),
            ("http://127.0.0.1:-1", "'http://127.0.0.1:-1' has a port that is not a number from 1 to 65535"),
            ("'http://[::1'", "'http://[::1' has an IPv6 address whose bracket is not closed"),
            ("http://u:secretpw@host", "must not have a user or a password"),
            ("http://", "'http://' has no host, or one that is none"),
        ])
    func upstreams(text: String, reason: String) {
        #expect(
            problems("database: dbname=a\nupstream: \(text)\n").contains(
                "2: upstream \(reason); write it like http://127.0.0.1:3000"))
    }

    @Test("a password before a scheme that is none is not repeated")
    func upstreamWithoutScheme() {
        #expect(
            problems("database: dbname=a\nupstream: u:secretpw@host\n").contains(
                "2: upstream must begin with 'http://' or 'https://'"))
    }

    @Test(
        "an upstream that is Doorbell itself is told",
        arguments: [
            ("127.0.0.1:8080", "http://127.0.0.1:8080", true), ("127.0.0.1:8080", "http://localhost:8080/api", true),
            ("0.0.0.0:8080", "http://127.0.0.1:8080", true), ("':8080'", "http://0.0.0.0:8080", true),
            ("0.0.0.0:80", "http://localhost", true), ("'[::]:8080'", "'http://[::1]:8080'", true),
            ("api:8080", "http://API:8080/", true), ("127.0.0.1:8080", "http://127.0.0.1:3000", false),
            ("127.0.0.1:8080", "http://127.0.0.2:8080", false), ("0.0.0.0:8080", "http://api:8080", false),
            ("0.0.0.0:443", "http://127.0.0.1", false), ("0.0.0.0:8080", "'http://[::1]:8080'", false),
        ])
    func loops(listen: String, upstream: String, isLoop: Bool) {
        let told = problems("database: dbname=a\nlisten: \(listen)\nupstream: \(upstream)\n")
        #expect(told.contains { $0.hasPrefix("3: 'upstream' is where Doorbell itself listens") } == isLoop, "\(told)")
    }

    @Test("an upstream that is Doorbell's admin port is told, which would be in use")
    func adminLoop() {
        let told = problems("database: dbname=a\nadmin: 127.0.0.1:81\nupstream: http://localhost:81\n")
        #expect(
            told.contains(
                "3: 'upstream' is where Doorbell's admin port listens, 127.0.0.1:81; write where the legacy API listens, or another 'admin'"
            ), "\(told)")
    }

    @Test("editors of Windows begin files with a mark, which is no mistake")
    func byteOrderMark() {
        #expect(problems("\u{FEFF}database: dbname=a\nupstream: http://a\n") == ["1: 'features' is missing"])
        #expect(problems("\u{FEFF}") == problems(""))
    }

    @Test("repeated keys are told with both lines, and reading goes on")
    func repeated() {
        let text = """
            database: dbname=a
            upstream: http://a
            upstream: http://b
            features:
              a: { poll: GET /a, tables: [{ name: a, channel: a }] }
              a: { poll: GET /a, tables: [{ name: a, channel: a }] }
              b: { "poll": GET /b, "poll": GET /c, tables: [{ name: b, channel: b }], color: red }
            upstream: http://c
            """
        #expect(
            problems(text) == [
                "3: the key 'upstream' stands twice, first in line 2",
                "6: the key 'a' stands twice in features, first in line 5",
                "7: the key 'poll' stands twice in features.b, first in line 7",
                "7: unknown key 'color' in features.b",
                "8: the key 'upstream' stands twice, first in line 2",
            ])
    }

    @Test(
        "a word that is none of the choices is told, with those that are",
        arguments: [
            (
                "slow: gently",
                "7: features.orders.slow must be 'reset', 'conflate' or 'disconnect', not 'gently'"
            ),
            (
                "mode: answers",
                "7: features.orders.mode must be 'rows', 'signal' or 'answer', not 'answers'; did you mean 'answer'?"
            ),
        ])
    func later(_ line: String, _ expected: String) {
        #expect(feature(Self.poll + Self.tables + line) == [expected])
    }

    @Test(
        "what delivers every message cannot conflate; a feature with a channel may have no tables, and is checked all the same"
    )
    func messaging() {
        #expect(
            feature(Self.poll + Self.tables + "delivery: atLeastOnce\nslow: conflate") == [
                "7: features.orders delivers at least once and conflates, which leaves messages out; use 'slow: reset' or 'slow: disconnect'"
            ])
        #expect(feature(Self.poll + "channel: order:{id}\npublish: subscribers\ndelivery: atLeastOnce") == [])
        #expect(feature(Self.poll + "channel: order:{id}\nauthorize: { owner: sub }").count == 1)
        #expect(feature(Self.poll + "channel: order:{owner}").count == 1)
        #expect(
            feature(Self.poll + Self.tables + "publish: true") == [
                "7: features.orders.publish must be 'false' or 'subscribers', not 'true'"
            ])
        #expect(feature(Self.poll + Self.tables + "message: published").count == 1)
    }

    @Test("conflating needs keys that name one row: one table with rows, however many with signals")
    func conflation() {
        let other = "tables: [{name: a, channel: 'o:{id}'}, {name: b, channel: 'o:{id}'%}]\nslow: conflate"
        func problems(_ text: String) -> [String] { feature(Self.poll + text) }
        #expect(
            problems(other.replacing("%", with: "")) == [
                "7: features.orders.slow is 'conflate', and rows of several tables may have the same key; give all tables but one 'mode: signal', or use 'slow: reset'"
            ])
        #expect(problems(other.replacing("%", with: ", mode: signal")) == [])
        #expect(problems(other.replacing("%", with: "") + "\nmode: signal") == [])
    }

    @Test(
        "wrong values of a feature",
        arguments: [
            (
                "interval: 3",
                "7: features.orders.interval must be a duration, not '3'; write a whole number and a unit: '250ms', '3s', '10m', '1h', '7d'"
            ),
            ("interval: 1ms", "7: features.orders.interval must be from 100ms to 1d, not 1ms"),
            (
                "batch: soon",
                "7: features.orders.batch must be a duration, not 'soon'; write a whole number and a unit: '250ms', '3s', '10m', '1h', '7d'"
            ),
            ("batch: 11s", "7: features.orders.batch must be from 0ms to 10s, not 11s"),
            (
                "mode: row",
                "7: features.orders.mode must be 'rows', 'signal' or 'answer', not 'row'; did you mean 'rows'?"
            ),
            (
                "stage: 7",
                "7: features.orders.stage must be 'observe', 'shadow', 'canary', 'push' or 'retired', not '7'"
            ),
            ("percent: 5", "7: features.orders.percent is for 'stage: canary'; leave it out with 'stage: observe'"),
            (
                "stage: canary\npercent: 101",
                "8: features.orders.percent must be from 0 to 100 with at most two decimals, not '101'"
            ),
            (
                "retirement: { sunset: soon }",
                "7: features.orders.retirement.sunset must be a date, not 'soon'; write '2030-01-01', or with a time '2030-01-01T10:00Z'"
            ),
            (
                "retirement: { deprecated: 2030-01-02, sunset: 2030-01-01 }",
                "7: features.orders.retirement.sunset is before features.orders.retirement.deprecated"
            ),
            (
                "retirement: { gone: true }",
                "7: features.orders.retirement.gone needs a date from which on polls are refused; write 'sunset: 2030-01-01'"
            ),
            ("retirement: { link: 'a b' }", "7: features.orders.retirement.link must be a URL or a path, not 'a b'"),
            (
                "retirement: { brownouts: [2030-01-01/2029-01-01] }",
                "7: features.orders.retirement.brownouts[0] must be a begin and an end or a length, not '2030-01-01/2029-01-01'; write '2030-01-01T10:00Z/15m' or '2030-01-01T10:00Z/2030-01-01T10:15Z'"
            ),
            (
                "retirement: { brownouts: [2030-01-01T10:00Z/1h, 2030-01-01T10:59Z/1m] }",
                "7: two of features.orders.retirement.brownouts overlap"
            ),
            (
                "mode: signal\nretirement: { sunset: 2030-01-01, gone: true }",
                "8: clients of features.orders that are pushed 'signal' fetch by the polled URL, so it cannot be refused; move the feature to 'mode: rows' first, or leave it out"
            ),
            ("cohort: { by: cookie }", "7: 'cookie' is missing in features.orders.cohort; write 'cookie: session'"),
            ("cohort: { by: user, cookie: a }", "7: features.orders.cohort.cookie is for 'by: cookie'"),
            ("cohort: { by: address, claim: a }", "7: features.orders.cohort.claim is for 'by: user'"),
            ("cohort: { by: address, deny: [ada] }", "7: features.orders.cohort.deny[0] 'ada' is not an address"),
            ("cohort: { allow: [a, b], deny: [b] }", "7: 'b' stands in both lists of features.orders.cohort"),
            ("authorize: [poll]", "7: features.orders.authorize must be text, not a list"),
            (
                "authorize: {}",
                "7: features.orders.authorize is empty; write 'authorize: { user_id: sub }', or 'authorize: public' for everybody"
            ),
            (
                "authorize: { ID: sub }",
                "7: 'ID' in features.orders.authorize is not in the channel 'orders:{id}'; did you mean 'id'?"
            ),
            (
                "authorize: { customer_id: sub }",
                "7: 'customer_id' in features.orders.authorize is not in the channel 'orders:{id}'"
            ),
            (
                "authorize: { id: org..id }",
                "7: features.orders.authorize.id 'org..id' is not a path to a claim; write a claim's name, such as 'sub', or 'org.id' for a claim inside another"
            ),
            ("authorize: { id: [sub] }", "7: features.orders.authorize.id must be text, not a list"),
            (
                "authorize: everybody",
                "7: features.orders.authorize must be 'poll' or 'public', not 'everybody'"
            ),
            ("message: error", "7: features.orders.message may not be 'error', which the protocol uses itself"),
            (
                "message: a b",
                "7: features.orders.message 'a b' is not a name; use letters, digits, '_' and '-', at most 64 of them"
            ),
            ("message:", "7: features.orders.message is empty"),
            ("history: { count: 1e9 }", "7: features.orders.history.count must be a whole number, not '1e9'"),
            ("history: { count: -1 }", "7: features.orders.history.count must be from 0 to 1000000, not -1"),
            ("history: { size: 1 }", "7: unknown key 'size' in features.orders.history"),
            ("history: 5", "7: features.orders.history must be a mapping ('key: value' lines), not text"),
            (
                "channel: orders:{order}",
                "7: '{order}' in features.orders.channel is not in the poll 'GET /orders/{id}'"
            ),
            ("channel: 'a b'", "7: features.orders.channel: ' ' is not allowed in a channel, in 'a b'"),
            ("versions: {}", "7: features.orders.versions is empty"),
            (
                "versions: { 0: [id] }",
                "7: '0' in features.orders.versions is not a version; versions are numbers from 1 to 65535"
            ),
            (
                "versions: { v1: [id] }",
                "7: 'v1' in features.orders.versions is not a version; versions are numbers from 1 to 65535"
            ),
            (
                "versions: { 1: id }",
                "7: features.orders.versions.1 must be a list of columns or a mapping, not text; write '[id, name]' or '{ id: id, label: name }'"
            ),
            ("versions: { 1: [] }", "7: features.orders.versions.1 is empty"),
            ("versions: { 1: [id, id] }", "7: the column 'id' stands twice in features.orders.versions.1"),
            ("versions: { 1: { a: [id] } }", "7: features.orders.versions.1.a must be text, not a list"),
            (
                "versions: { 1: { a: { column: id, as: strin } } }",
                "7: features.orders.versions.1.a.as must be 'string', 'number' or 'boolean', not 'strin'; did you mean 'string'?"
            ),
            (
                "versions: { 1: { a: { as: string } } }",
                "7: 'column' is missing in features.orders.versions.1.a; write 'column: name'"
            ),
            (
                "versions: { 1: { a: { const: 1, as: string } } }",
                "7: features.orders.versions.1.a has 'const' and 'column' or 'as'; a field is one or the other"
            ),
            ("message: ${WORD}", "7: the environment variable WORD is not set; set it, or write '${WORD:-default}'"),
            ("message: ${WORD", "7: '${' without '}'; write '$${' for the characters themselves"),
            ("message: ${1X}", "7: '${1X}' is not a variable; write '${NAME}' or '${NAME:-default}'"),
        ])
    func values(_ line: String, _ expected: String) {
        #expect(feature(Self.poll + Self.tables + line) == [expected])
    }

    @Test(
        "wrong tables",
        arguments: [
            ("tables: orders", ["6: features.orders.tables must be a list, not text"]),
            ("tables: []", ["6: features.orders.tables is empty"]),
            ("tables: [orders]", ["6: features.orders.tables[0] must be a mapping ('key: value' lines), not text"]),
            (
                "tables: [{ channel: a }]",
                ["6: 'name' is missing in features.orders.tables[0]; write 'name: public.orders'"]
            ),
            (
                "tables: [{ name: a.b.c, channel: a }]",
                ["6: features.orders.tables[0].name must be 'schema.table' without quotes, not 'a.b.c'"]
            ),
            (
                "tables: [{ name: a, channel: {id} }]",
                ["6: features.orders.tables[0].channel must be text or a query; did you mean '\"{id}\"', with quotes?"]
            ),
            (
                "tables: [{ name: a, channel: 'a:{id' }]",
                ["6: features.orders.tables[0].channel: '{' without '}' in 'a:{id'"]
            ),
            (
                "tables: [{ name: a, channel: { querry: x } }]",
                [
                    "6: 'query' is missing in features.orders.tables[0].channel; write 'query: select … where id = {id}'",
                    "6: unknown key 'querry' in features.orders.tables[0].channel; did you mean 'query'?",
                ]
            ),
            (
                "tables: [{ name: a, channel: { query: 'select {' } }]",
                ["6: features.orders.tables[0].channel.query: '{' without '}' in the query 'select {'"]
            ),
            (
                "tables: [{ name: a, channel: 'a:{id}' }, { name: public.a, channel: 'b:{id}' }]",
                ["6: the table public.a stands twice in features.orders.tables"]
            ),
            (
                "tables: [{ name: a, channel: 'a:{id}', capture: statment }]",
                [
                    "6: features.orders.tables[0].capture must be 'row' or 'statement', not 'statment'; did you mean 'statement'?"
                ]
            ),
            (
                "tables: [{ name: a, channel: 'a:{owner}' }]",
                [
                    "6: no channel of features.orders can be named from its poll 'GET /orders/{id}'; set features.orders.channel to a template made of the poll's own names"
                ]
            ),
            (
                "tables: [{ name: a, channel: { query: select 1 } }]",
                [
                    "6: no channel of features.orders can be named from its poll 'GET /orders/{id}'; set features.orders.channel to a template made of the poll's own names"
                ]
            ),
            ("mode: rows", ["4: 'tables' is missing in features.orders; name the tables whose changes concern it"]),
        ])
    func tables(_ line: String, _ expected: [String]) {
        #expect(Set(feature(Self.poll + line)) == Set(expected))
    }

    @Test(
        "wrong values at the top",
        arguments: [
            ("listen: a:65536", "listen: the port 65536 is not from 0 to 65535"),
            ("listen: ::1:80", "listen: '::1:80' is not 'host:port'; write an IPv6 address in brackets, '[::1]:8080'"),
            ("listen: 127.0.0.1:8081", "'listen' and 'admin' are the same address, 127.0.0.1:8081"),
            ("origins: https://a", "origins must be a list, not text"),
            (
                "origins: [a.example]",
                "origins[0]: 'a.example' is not an origin such as 'https://app.example', 'https://*.example.com' or 'null'"
            ),
            ("limits: { connections: 0 }", "limits.connections must be from 1 to 1000000, not 0"),
            (
                "limits: { messageSize: 64 }",
                "limits.messageSize must be a size, not '64'; write a whole number and a unit: '512B', '64KiB', '1MiB'"
            ),
            ("limits: { messageSize: 64MiB }", "limits.messageSize must be from 1KiB to 16MiB, not 64MiB"),
            ("limits: { hartbeat: 1s }", "unknown key 'hartbeat' in limits; did you mean 'heartbeat'?"),
            ("capture: { bell: always }", "capture.bell must be 'auto' or 'never', not 'always'"),
            ("capture: { retention: 1s }", "capture.retention must be from 10s to 7d, not 1s"),
            ("capture: []", "capture must be a mapping ('key: value' lines), not a list"),
        ])
    func top(_ line: String, _ expected: String) {
        #expect(problems(ConfigurationTests.minimal + "\n" + line) == ["7: " + expected])
    }

    private static let secret = "0123456789abcdef0123456789abcdef"
    private static let sources =
        "write one of 'secret: ${JWT_SECRET}', 'pem: FILE', 'jwks: FILE' and 'jwks: https://…'"

    @Test(
        "wrong tokens are told, and no secret is repeated",
        arguments: [
            ("auth: {}", "auth names no keys; \(sources)"),
            ("auth: { secret: a, jwks: b }", "auth has secret and jwks; \(sources)"),
            ("auth: { secret: hunter2 }", "auth: the secret has 7 bytes and needs 32 at least"),
            (
                "auth: { secret: \(secret), algorithms: [HS256, HS512] }",
                "auth: the secret has 32 bytes and needs 64 at least"
            ),
            ("auth: { secret: \(secret), algorithms: [RS256] }", "auth: RS256 needs a public key, not a secret"),
            ("auth: { pem: a, algorithms: [HS256] }", "auth: HS256 needs a secret, not a public key"),
            (
                "auth: { pem: a, algorithms: [none] }",
                "auth.algorithms[0] 'none' is not one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA"
            ),
            (
                "auth: { jwks: http://issuer.example/keys }",
                "auth: the key set's URL must begin with 'https://': whoever sits on the way could make tokens"
            ),
            ("auth: { pem: a, required: yes }", "auth.required must be 'true' or 'false', not 'yes'"),
            ("auth: { pem: a, deadline: 1h }", "auth.deadline must be from 1s to 10m, not 1h"),
            (
                "auth: { pem: a, cookie: a b }",
                "auth: the cookie's name is empty or has other bytes than a cookie's name may have"
            ),
            ("auth: { key: a, pem: b }", "unknown key 'key' in auth"),
        ])
    func tokens(_ line: String, _ expected: String) {
        let found = problems(ConfigurationTests.minimal + "\n" + line)
        #expect(found == ["7: " + expected])
        for text in found { #expect(!text.contains("hunter2") && !text.contains(Self.secret)) }
    }

    @Test("claims of tokens that nobody can verify are a mistake, and a secret in the file is remarked on")
    func unverified() throws {
        #expect(
            feature(Self.poll + Self.tables + "authorize: { id: sub }") == [
                "7: features.orders.authorize is by a token's claims, and there is no 'auth'; write 'auth: { secret: ${JWT_SECRET} }', or where the keys are"
            ])
        let written = try ConfigurationTests.read(
            ConfigurationTests.minimal + "\nauth: { secret: \(Self.secret) }", [:])
        #expect(written.warnings.map(\.message) == ["auth.secret stands in the file"])
    }

    @Test("a password in a wrong database text is not repeated")
    func password() {
        let text = ConfigurationTests.minimal.replacing("dbname=app", with: "mysql://u:secret@h/d")
        #expect(
            problems(text) == [
                "1: database is neither a PostgreSQL URL nor 'key=value' text; write 'postgres://user@host/name'"
            ])
    }

    @Test("features that share a channel, a poll or a table's capture in two ways are told")
    func shared() {
        let text =
            ConfigurationTests.minimal + """

                  more:
                    poll: GET /orders/{order}
                    tables: [{ name: orders, channel: 'orders:{order}', capture: statement }]
                """
        #expect(
            problems(text) == [
                "7: features.more and features.orders have the same poll, 'GET /orders/{order}'",
                "9: the channel 'orders:{order}' of features.more may be the same as 'orders:{id}' of features.orders; begin one of them with another word",
                "9: features.more.tables[0] captures public.orders by statement, features.orders.tables[0] by row; a table is captured in one way",
            ])
    }

    @Test(
        "what cannot be compared is told",
        arguments: [
            (
                "parity: { ignore: [serverTime, '$.a[0]'], unordered: $.b }",
                [
                    "7: features.orders.parity.ignore[0]: a path begins with '$', such as '$.items[*].age', not 'serverTime'",
                    "7: features.orders.parity.ignore[1]: '[0]' in '$.a[0]' is no step of a path: write '.name', '['name']', '.*' or '[*]'",
                    "7: features.orders.parity.unordered must be a list, not text",
                ]
            ),
            (
                "parity: { items: { path: '$.a[*].b', key: id, version: 2 } }",
                [
                    "7: features.orders.parity.items.path must lead to one array, not to many; write '$.items'",
                    "7: features.orders.parity.items.version is 2, which the feature does not have; it has 1",
                ]
            ),
            (
                "mode: signal\nparity: { items: { path: $ } }",
                [
                    "8: 'key' is missing in features.orders.parity.items; write 'key: id'",
                    "8: features.orders.parity.items applies messages to rows, and 0 tables of features.orders tell rows; leave it out",
                ]
            ),
        ])
    func parity(_ lines: String, _ expected: [String]) {
        #expect(feature(Self.poll + Self.tables + lines) == expected)
    }

    @Test("answers are told and nothing else")
    func answers() {
        #expect(
            feature(Self.poll + Self.tables + "mode: answer\npublish: subscribers\ndelivery: atLeastOnce")
                == [
                    "8: features.orders tells answers, so direct messages would reach nobody; use 'mode: signal', or a feature of its own for them",
                    "9: features.orders tells the newest answer only, so there is nothing to deliver again; use 'delivery: resumable'",
                ])
        #expect(
            feature(Self.poll + "tables: [{ name: orders, channel: 'orders:{id}', mode: answer }]")
                == [
                    "6: features.orders.tables[0].mode is 'answer', which is of a whole feature; write it in features.orders"
                ])
        #expect(feature(Self.poll + Self.tables + "mode: answer\ncache: true") == [])
    }

    @Test("prices are plain numbers")
    func prices() {
        func wrong(_ prices: String) -> [String] {
            problems(
                "database: dbname=app\nupstream: http://api\ncomparison: { prices: { \(prices) } }\nfeatures:\n  orders:\n"
                    + (Self.poll + Self.tables).split(separator: "\n").map { "    \($0)\n" }.joined())
        }
        #expect(wrong("requests: 1.00, traffic: 0, cpu: 1000000, currency: €") == [])
        for (value, text) in [("-1", "-1"), ("nan", "nan"), ("1e3", "1e3"), ("1000001", "1000001"), ("1.2.3", "1.2.3")]
        {
            #expect(
                wrong("cpu: \(value)")
                    == ["3: comparison.prices.cpu must be a number from 0 to 1000000, not '\(text)'"])
        }
        #expect(
            wrong("currency: 'a b'")
                == ["3: comparison.prices.currency must be 1 to 8 letters, not 'a b'; write 'USD'"])
        #expect(wrong("request: 1") == ["3: unknown key 'request' in comparison.prices; did you mean 'requests'?"])
    }

    @Test("a cache is on or off, or says how; a change that its polls do not notice is a mistake")
    func cache() {
        #expect(
            feature(Self.poll + Self.tables + "cache: yes")
                == ["7: features.orders.cache must be 'true' or 'false', not 'yes'"])
        #expect(
            feature(Self.poll + Self.tables + "cache: { maxAge: 0s, identity: everybody }")
                == [
                    "7: features.orders.cache.maxAge must be from 1s to 1d, not 0s",
                    "7: features.orders.cache.identity must be 'credentials' or 'public', not 'everybody'",
                ])
        for claim in ["claim", "claims", "{ claim: sub }"] {
            #expect(
                feature(Self.poll + Self.tables + "cache: { identity: \(claim) }")
                    == [
                        "7: features.orders.cache.identity cannot be a claim: tokens with the same claim may have different rights at the legacy API; use 'credentials'; a client that gets a new token costs one request to the legacy API"
                    ])
        }
        #expect(
            feature("poll: GET /orders?id={id}\n" + Self.tables + "cache: { ignore: [_, id] }")
                == ["7: features.orders.cache.ignore[1] 'id' is part of the poll, so it means something"])
        let more = "tables: [{ name: orders, channel: 'orders:{id}' }, { name: lines, channel: 'lines:{id}' }]\n"
        #expect(
            feature(Self.poll + "channel: 'orders:{id}'\n" + more + "cache: true")
                == [
                    "8: features.orders.cache: changes of public.lines go to 'lines:{id}', which is no channel of the poll 'GET /orders/{id}', so a kept answer would not be noticed to be old; give the table a channel of the poll"
                ])
        #expect(feature(Self.poll + more + "cache: true") == [])
    }

    @Test(
        "a gate that could not decide is told",
        arguments: [
            (
                "gate: { interval: 1ms, step: 0, max: 101, webhook: hooks.example/secret }",
                [
                    "7: features.orders.gate.interval must be from 1s to 1d, not 1ms",
                    "7: features.orders.gate.step is 0, so the gate would never move anything",
                    "7: features.orders.gate.max must be from 0 to 100 with at most two decimals, not '101'",
                    "7: features.orders.gate.webhook must be an http or https URL",
                ]
            ),
            (
                "parity: { enabled: false }\ngate: {}",
                [
                    "8: features.orders.gate decides by parity, which is not enabled for this feature; leave features.orders.parity.enabled out"
                ]
            ),
        ])
    func gate(_ lines: String, _ expected: [String]) {
        #expect(feature(Self.poll + Self.tables + lines) == expected)
    }

    @Test("a feature's name is a word")
    func names() {
        #expect(
            problems(ConfigurationTests.minimal.replacing("  orders:", with: "  my orders:"))
                == ["4: 'my orders' is not a feature's name; use letters, digits, '_' and '-', at most 64 of them"])
    }

    @Test("no prefix of a right file and no file with one byte changed crashes the reader")
    func hostile() {
        let bytes = Array(ConfigurationTests.example.utf8)
        for end in stride(from: 0, to: bytes.count, by: 3) {
            _ = problems(String(decoding: bytes[..<end], as: UTF8.self), ConfigurationTests.environment)
        }
        for index in stride(from: 0, to: bytes.count, by: 5) {
            for byte in [0x0A, 0x22, 0x26, 0x2A, 0x3A, 0x5B, 0x7B, 0x7D] as [UInt8] {
                var changed = bytes
                changed[index] = byte
                _ = problems(String(decoding: changed, as: UTF8.self), ConfigurationTests.environment)
            }
        }
    }

    @Test("deep nesting is a mistake and no crash")
    func deep() {
        #expect(!problems(String(repeating: "[", count: 5000)).isEmpty)
        #expect(!problems("a: " + String(repeating: "{a: ", count: 5000)).isEmpty)
    }

    @Test(
        "the nearest word is found for a slip, not for another word",
        arguments: [
            ("chanel", "channel"), ("Channel", "channel"), ("hcannel", "channel"), ("xyz", nil), ("chan", nil),
        ] as [(String, String?)])
    func nearest(_ word: String, _ expected: String?) {
        #expect(Nearest.word(to: word, among: ["channel", "name", "capture"]) == expected)
    }
}
