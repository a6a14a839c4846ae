import Testing

@testable import Doorbell

/// Comparisons and gates that could not work, and the sentences that they get, word for word.
@Suite struct RolloutMistakesTests {
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
        #expect(Orders.problems(Orders.poll + Orders.tables + lines) == expected)
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
        #expect(Orders.problems(Orders.poll + Orders.tables + lines) == expected)
    }
}
