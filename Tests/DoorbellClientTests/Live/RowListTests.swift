import Testing

@testable import DoorbellClient

@Suite struct RowListTests {
    private func change(_ operation: String, _ key: JSONValue, _ data: JSONValue? = nil) -> FeedMessage {
        var members: [String: JSONValue] = ["type": "row", "op": .string(operation), "key": key]
        members["data"] = data
        return FeedMessage(members)
    }

    private func ids(_ outcome: RowList.Outcome) -> [Int64]? {
        guard case .changed(let state) = outcome else { return nil }
        return state["items"]?.array?.compactMap { $0["id"]?.integer }
    }

    private let state: JSONValue = ["items": [["id": 5], ["id": 3], ["id": 1]], "total": 3]

    @Test("rows come, change, move and go in their order")
    func order() {
        let rows = RowList(order: "-id")
        #expect(ids(rows.apply(change("insert", ["id": 4], ["id": 4]), to: state)) == [5, 4, 3, 1])
        #expect(ids(rows.apply(change("insert", ["id": 0], ["id": 0]), to: state)) == [5, 3, 1, 0])
        #expect(ids(rows.apply(change("delete", ["id": 3]), to: state)) == [5, 1])
        #expect(rows.apply(change("delete", ["id": 9]), to: state) == .unchanged)
        #expect(ids(rows.apply(change("truncate", .null), to: state)) == [])
        let outcome = rows.apply(change("update", ["id": 3], ["id": 3, "a": "b"]), to: state)
        #expect(outcome == .changed(["items": [["id": 5], ["id": 3, "a": "b"], ["id": 1]], "total": 3]))
        #expect(
            ids(
                RowList(order: "at").apply(
                    change("update", ["id": 1], ["id": 1, "at": "a"]),
                    to: ["items": [["id": 1, "at": "c"], ["id": 2, "at": "b"]]])) == [1, 2])
        #expect(ids(RowList().apply(change("insert", ["id": 4], ["id": 4]), to: state)) == [5, 3, 1, 4])
    }

    @Test("what lies behind a full window only a poll can tell")
    func window() {
        let rows = RowList(order: "-id", limit: 3)
        #expect(ids(rows.apply(change("insert", ["id": 4], ["id": 4]), to: state)) == [5, 4, 3])
        #expect(rows.apply(change("insert", ["id": 0], ["id": 0]), to: state) == .unchanged)
        #expect(rows.apply(change("delete", ["id": 3]), to: state) == .unknown)
        #expect(RowList(order: "-id", limit: -1).limit == 0)
    }

    @Test("a filter says which rows are in the list")
    func filter() {
        let rows = RowList(order: "-id") { $0["read"] != true }
        #expect(ids(rows.apply(change("update", ["id": 3], ["id": 3, "read": true]), to: state)) == [5, 1])
        #expect(rows.apply(change("insert", ["id": 4], ["id": 4, "read": true]), to: state) == .unchanged)
    }

    @Test("paths lead to the list, keys may have several columns, numbers are told apart by all their digits")
    func paths() {
        let rows = RowList(items: "data.rows", key: ["a", "b"])
        let outcome = rows.apply(
            change("delete", ["a": 9_007_199_254_740_993, "b": "x"]),
            to: ["data": ["rows": [["a": 9_007_199_254_740_992, "b": "x"], ["a": 9_007_199_254_740_993, "b": "x"]]]])
        #expect(outcome == .changed(["data": ["rows": [["a": 9_007_199_254_740_992, "b": "x"]]]]))
        #expect(RowList(items: "").apply(change("truncate", .null), to: [1]) == .changed([]))
    }

    @Test(
        "what is not as expected only a poll can tell",
        arguments: [.null, 1, "x", [], [:], ["items": .null], ["items": [:]]] as [JSONValue])
    func strange(state: JSONValue) {
        let rows = RowList(order: "-id")
        for operation in ["insert", "update", "delete", "truncate", "merge"] {
            #expect(rows.apply(change(operation, ["id": 1], ["id": 1]), to: state) == .unknown)
        }
        #expect(rows.apply(change("insert", ["id": 1]), to: self.state) == .unknown)
        #expect(rows.apply(change("insert", ["id": 1], 7), to: self.state) == .unknown)
        #expect(rows.apply(change("insert", .null, ["id": 1]), to: self.state) == .unknown)
        #expect(rows.apply(change("merge", ["id": 1], ["id": 1]), to: self.state) == .unknown)
        #expect(rows.apply(change("insert", ["id": "x"], ["id": "x"]), to: self.state) == .unknown)
    }
}
