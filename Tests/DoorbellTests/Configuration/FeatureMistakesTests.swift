import Testing

@testable import Doorbell

/// Wrong values of a feature, and the sentences that they get, word for word.
@Suite struct FeatureMistakesTests {
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
        #expect(Orders.problems(Orders.poll + Orders.tables + line) == [expected])
    }

    @Test(
        "what delivers every message cannot conflate; a feature with a channel may have no tables, and is checked all the same"
    )
    func messaging() {
        #expect(
            Orders.problems(Orders.poll + Orders.tables + "delivery: atLeastOnce\nslow: conflate") == [
                "7: features.orders delivers at least once and conflates, which leaves messages out; use 'slow: reset' or 'slow: disconnect'"
            ])
        #expect(Orders.problems(Orders.poll + "channel: order:{id}\npublish: subscribers\ndelivery: atLeastOnce") == [])
        #expect(Orders.problems(Orders.poll + "channel: order:{id}\nauthorize: { owner: sub }").count == 1)
        #expect(Orders.problems(Orders.poll + "channel: order:{owner}").count == 1)
        #expect(
            Orders.problems(Orders.poll + Orders.tables + "publish: true") == [
                "7: features.orders.publish must be 'false' or 'subscribers', not 'true'"
            ])
        #expect(Orders.problems(Orders.poll + Orders.tables + "message: published").count == 1)
    }

    @Test("conflating needs keys that name one row: one table with rows, however many with signals")
    func conflation() {
        let other = "tables: [{name: a, channel: 'o:{id}'}, {name: b, channel: 'o:{id}'%}]\nslow: conflate"
        func problems(_ text: String) -> [String] { Orders.problems(Orders.poll + text) }
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
        #expect(Orders.problems(Orders.poll + Orders.tables + line) == [expected])
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
        #expect(Set(Orders.problems(Orders.poll + line)) == Set(expected))
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

    @Test("answers are told and nothing else")
    func answers() {
        #expect(
            Orders.problems(Orders.poll + Orders.tables + "mode: answer\npublish: subscribers\ndelivery: atLeastOnce")
                == [
                    "8: features.orders tells answers, so direct messages would reach nobody; use 'mode: signal', or a feature of its own for them",
                    "9: features.orders tells the newest answer only, so there is nothing to deliver again; use 'delivery: resumable'",
                ])
        #expect(
            Orders.problems(Orders.poll + "tables: [{ name: orders, channel: 'orders:{id}', mode: answer }]")
                == [
                    "6: features.orders.tables[0].mode is 'answer', which is of a whole feature; write it in features.orders"
                ])
        #expect(Orders.problems(Orders.poll + Orders.tables + "mode: answer\ncache: true") == [])
    }

    @Test("a cache is on or off, or says how; a change that its polls do not notice is a mistake")
    func cache() {
        #expect(
            Orders.problems(Orders.poll + Orders.tables + "cache: yes")
                == ["7: features.orders.cache must be 'true' or 'false', not 'yes'"])
        #expect(
            Orders.problems(Orders.poll + Orders.tables + "cache: { maxAge: 0s, identity: everybody }")
                == [
                    "7: features.orders.cache.maxAge must be from 1s to 1d, not 0s",
                    "7: features.orders.cache.identity must be 'credentials' or 'public', not 'everybody'",
                ])
        for claim in ["claim", "claims", "{ claim: sub }"] {
            #expect(
                Orders.problems(Orders.poll + Orders.tables + "cache: { identity: \(claim) }")
                    == [
                        "7: features.orders.cache.identity cannot be a claim: tokens with the same claim may have different rights at the legacy API; use 'credentials'; a client that gets a new token costs one request to the legacy API"
                    ])
        }
        #expect(
            Orders.problems("poll: GET /orders?id={id}\n" + Orders.tables + "cache: { ignore: [_, id] }")
                == ["7: features.orders.cache.ignore[1] 'id' is part of the poll, so it means something"])
        let more = "tables: [{ name: orders, channel: 'orders:{id}' }, { name: lines, channel: 'lines:{id}' }]\n"
        #expect(
            Orders.problems(Orders.poll + "channel: 'orders:{id}'\n" + more + "cache: true")
                == [
                    "8: features.orders.cache: changes of public.lines go to 'lines:{id}', which is no channel of the poll 'GET /orders/{id}', so a kept answer would not be noticed to be old; give the table a channel of the poll"
                ])
        #expect(Orders.problems(Orders.poll + more + "cache: true") == [])
    }
}
