import DoorbellCore
import DoorbellTranslate
import Testing

/// Answers from a table: the statement's parameters joined with commas.
struct ScriptedQueries: ChannelQueryRunner {
    struct Refused: Error, CustomStringConvertible { let description = "permission denied" }
    var answers: [String: [String]] = [:]
    let calls = Calls()

    final class Calls { var values: [[String?]] = [] }

    func channels(for query: ChannelQuery, values: [String?]) throws -> [String] {
        calls.values.append(values)
        guard let answer = answers[values.map { $0 ?? "NULL" }.joined(separator: ",")] else { throw Refused() }
        return answer
    }
}

let orders = QualifiedName(schema: "public", name: "orders")
let position = Position(epoch: 1, tick: 2, seq: 3)
let moment = Timestamp(microseconds: 5)

func relation(
    _ name: QualifiedName = orders, key: [String] = ["id"], kinds: [String: Relation.ColumnKind] = [:]
) -> Relation {
    Relation(id: 1, name: name, key: key, columns: kinds.map { ($0.key, $0.value) })
}

func change(
    _ operation: DoorbellCore.Operation, before: String? = nil, after: String? = nil, in table: Relation = relation()
) throws -> Change {
    Change(
        position: position, relation: table, operation: operation,
        before: try before.map { try RowImage(json: Array($0.utf8)) },
        after: try after.map { try RowImage(json: Array($0.utf8)) }, committedAt: moment)
}

func feature(
    _ name: String = "f", mode: Feature.Mode = .rows, channel: String? = nil, tables: [(QualifiedName, String)] = [],
    queries: [(QualifiedName, String)] = [], versions: [UInt16: Projection] = [:]
) throws -> Feature {
    Feature(
        name: name, poll: try PollPattern("GET /x/{id}"), mode: mode,
        tables: try tables.map { .init(table: $0.0, channel: .template(try ChannelTemplate($0.1))) }
            + queries.map { .init(table: $0.0, channel: .query(try ChannelQuery($0.1))) },
        channel: try channel.map { try ChannelTemplate($0) },
        versions: try versions.map { (try #require(SchemaVersion($0.key)), $0.value) })
}

extension Translation {
    /// Each draft in a line, as a person would say it: `orders:1 insert v1 key={"id":1} data={…} changed=[a]`.
    var lines: [String] {
        drafts.map { draft in
            let audience =
                switch draft.audience {
                case .channel(let channel): channel.rawValue
                case .matching(let templates): "*" + templates.map(\.source).joined(separator: ",")
                }
            switch draft.content {
            case .signal: return "\(audience) signal"
            case .message(let message): return "\(audience) message \(String(decoding: message.data, as: UTF8.self))"
            case .reset(let reason): return "\(audience) reset: \(reason)"
            case .change(let operation, let renditions):
                return "\(audience) \(operation)"
                    + renditions.map { rendition in
                        var text = " v\(rendition.version)"
                        if let key = rendition.key { text += " key=" + String(decoding: key, as: UTF8.self) }
                        if let data = rendition.data { text += " data=" + String(decoding: data, as: UTF8.self) }
                        if let changed = rendition.changed { text += " changed=\(changed.joined(separator: ","))" }
                        return text
                    }.joined()
            }
        }
    }

    var reasons: [String] { deadLetters.map { "\($0.feature) \($0.table?.description ?? "-"): \($0.reason)" } }
}

@Suite struct TranslatorTests {
    let byOwner = try! Translator(features: [feature(tables: [(orders, "owner:{owner}")])])
    let queries = ScriptedQueries()

    @Test("an insert, an update and a delete reach the row's channel with the whole row, unchanged")
    func operations() throws {
        let one = #"{"id":1,"owner":7,"n":1.50}"#
        let two = #"{"id":1,"owner":7,"n":1.5}"#
        #expect(
            byOwner.translate(try change(.insert, after: one), queries: queries).lines
                == [#"owner:7 insert v1 key={"id":1} data="# + one])
        #expect(
            byOwner.translate(try change(.update, before: one, after: two), queries: queries).lines
                == [#"owner:7 update v1 key={"id":1} data="# + two + " changed=n"])
        #expect(
            byOwner.translate(try change(.delete, before: two), queries: queries).lines == [
                #"owner:7 delete v1 key={"id":1}"#
            ])
    }

    @Test("drafts carry the change's position and time, and its feature")
    func identity() throws {
        let draft = try #require(
            byOwner.translate(try change(.delete, before: #"{"id":1,"owner":2}"#), queries: queries).drafts.first)
        #expect(draft.position == position)
        #expect(draft.committedAt == moment)
        #expect(draft.feature.name == "f")
    }

    @Test("a row that moves is deleted from the channel it leaves and inserted whole into the one it enters")
    func moves() throws {
        #expect(
            byOwner.translate(
                try change(.update, before: #"{"id":1,"owner":"a"}"#, after: #"{"id":1,"owner":"b"}"#), queries: queries
            ).lines == [
                #"owner:a delete v1 key={"id":1}"#, #"owner:b insert v1 key={"id":1} data={"id":1,"owner":"b"}"#,
            ])
        #expect(
            byOwner.translate(
                try change(.update, before: #"{"id":1,"owner":null}"#, after: #"{"id":1,"owner":"b"}"#),
                queries: queries
            ).lines == [#"owner:b insert v1 key={"id":1} data={"id":1,"owner":"b"}"#])
        #expect(
            byOwner.translate(
                try change(.update, before: #"{"id":1,"owner":"a"}"#, after: #"{"id":1,"owner":""}"#), queries: queries
            ).lines == [#"owner:a delete v1 key={"id":1}"#])
    }

    @Test("a row whose channel column is NULL or empty is told to nobody", arguments: ["null", #""""#])
    func nobody(_ owner: String) throws {
        let translation = byOwner.translate(
            try change(.insert, after: #"{"id":1,"owner":\#(owner)}"#), queries: queries)
        #expect(translation.drafts.isEmpty && translation.deadLetters.isEmpty)
    }

    @Test("a table that no feature names is passed over")
    func otherTable() throws {
        let other = relation(QualifiedName(schema: "app", name: "orders"))
        let translation = byOwner.translate(try change(.insert, after: #"{"id":1}"#, in: other), queries: queries)
        #expect(translation.drafts.isEmpty && translation.deadLetters.isEmpty)
    }

    @Test("a row without the channel's column resets the feature")
    func missingChannelColumn() throws {
        let translation = byOwner.translate(try change(.insert, after: #"{"id":1}"#), queries: queries)
        let reason = "public.orders has no column 'owner', which 'owner:{owner}' needs"
        #expect(translation.lines == ["*owner:{owner} reset: \(reason)"])
        #expect(translation.reasons == ["f public.orders: \(reason)"])
        #expect(translation.deadLetters[0].position == position)
    }

    @Test("a channel that would be too long is a dead letter, and the one that is left hears of it")
    func tooLong() throws {
        let long = String(repeating: "x", count: 300)
        let translation = byOwner.translate(
            try change(.update, before: #"{"id":1,"owner":"a"}"#, after: #"{"id":1,"owner":"\#(long)"}"#),
            queries: queries)
        #expect(translation.lines == [#"owner:a delete v1 key={"id":1}"#])
        #expect(translation.reasons == ["f public.orders: 'owner:{owner}' becomes longer than 255 bytes"])
    }

    @Test("a change without its row is a dead letter, never a crash")
    func noRow() throws {
        for operation in [DoorbellCore.Operation.insert, .update, .delete] {
            let translation = byOwner.translate(try change(operation), queries: queries)
            #expect(translation.lines == ["*owner:{owner} reset: the change carries no row"])
        }
        #expect(
            byOwner.translate(try change(.update, after: #"{"id":1,"owner":2}"#), queries: queries).lines
                == [#"owner:2 update v1 key={"id":1} data={"id":1,"owner":2}"#])
    }

    @Test("in signal mode rows are not rendered, so nothing in them can fail")
    func signals() throws {
        let missing = Projection.fields([.init(name: "x", source: .column("gone", cast: nil))])
        let translator = Translator(features: [
            try feature(mode: .signal, tables: [(orders, "owner:{owner}")], versions: [1: missing])
        ])
        #expect(
            translator.translate(
                try change(.update, before: #"{"id":1,"owner":1}"#, after: #"{"id":1,"owner":2}"#), queries: queries
            ).lines == ["owner:1 signal", "owner:2 signal"])
        #expect(
            translator.translate(try change(.truncate), queries: queries).lines == ["*owner:{owner} signal"])
    }

    @Test("a table may be told as signals in a feature of rows")
    func tableMode() throws {
        let other = QualifiedName(schema: "public", name: "reads")
        let feature = Feature(
            name: "f", poll: try PollPattern("GET /x/{id}"),
            tables: [
                .init(table: orders, channel: .template(try ChannelTemplate("o:{id}"))),
                .init(table: other, channel: .template(try ChannelTemplate("o:{id}")), mode: .signal),
            ],
            versions: [(.first, .fields([.init(name: "n", source: .column("n", cast: nil))]))])
        let translator = Translator(features: [feature])
        let row = #"{"id":1,"n":2}"#
        #expect(
            translator.translate(try change(.insert, after: row), queries: queries).lines
                == [#"o:1 insert v1 key={"id":1} data={"n":2}"#])
        #expect(
            translator.translate(try change(.insert, after: #"{"id":1}"#, in: relation(other)), queries: queries).lines
                == ["o:1 signal"])
        #expect(
            translator.translate(try change(.truncate, in: relation(other)), queries: queries).lines == [
                "*o:{id} signal"
            ])
    }

    @Test("truncate reaches the channels of the rule in every version, without key and data")
    func truncates() throws {
        let other = QualifiedName(schema: "public", name: "other")
        let translator = Translator(features: [
            try feature(
                channel: "x:{id}", tables: [(orders, "o:{id}"), (other, "p:{id}")], versions: [1: .all, 2: .all])
        ])
        #expect(translator.translate(try change(.truncate), queries: queries).lines == ["*o:{id} truncate v1 v2"])
        let byQuery = Translator(features: [try feature(channel: "x:{id}", queries: [(orders, "select {id}")])])
        #expect(byQuery.translate(try change(.truncate), queries: queries).lines == ["*x:{id} truncate v1"])
    }

    @Test("a change reaches every feature that uses its table, once a channel")
    func manyRules() throws {
        let translator = Translator(features: [
            try feature("a", tables: [(orders, "o:{id}"), (orders, "o:{other}"), (orders, "p:{id}")]),
            try feature("b", mode: .signal, tables: [(orders, "all")]),
        ])
        #expect(
            translator.translate(try change(.insert, after: #"{"id":1,"other":1}"#), queries: queries).lines == [
                #"o:1 insert v1 key={"id":1} data={"id":1,"other":1}"#,
                #"p:1 insert v1 key={"id":1} data={"id":1,"other":1}"#, "all signal",
            ])
        // Into a channel that another rule has already named: no second message there.
        #expect(
            translator.translate(
                try change(.update, before: #"{"id":1,"other":2}"#, after: #"{"id":1,"other":1}"#), queries: queries
            ).lines == [
                #"o:2 delete v1 key={"id":1}"#, #"o:1 update v1 key={"id":1} data={"id":1,"other":1} changed=other"#,
                #"p:1 update v1 key={"id":1} data={"id":1,"other":1} changed=other"#, "all signal",
            ])
    }

    @Test("an unreadable change resets the features that use its table, or all")
    func unreadable() throws {
        let translator = Translator(features: [
            try feature("a", tables: [(orders, "o:{id}")]),
            try feature("b", tables: [(QualifiedName(schema: "public", name: "b"), "b:{id}")]),
        ])
        func lost(_ table: QualifiedName?) -> Translation {
            translator.translate(
                UnreadableChange(position: position, table: table, reason: "torn", committedAt: moment))
        }
        #expect(lost(orders).lines == ["*o:{id} reset: torn"])
        #expect(lost(orders).reasons == ["a public.orders: torn"])
        #expect(lost(nil).lines == ["*o:{id} reset: torn", "*b:{id} reset: torn"])
        #expect(lost(nil).reasons == ["a -: torn", "b -: torn"])
        #expect(lost(QualifiedName(schema: "x", name: "y")).drafts.isEmpty)
    }
}
