import DoorbellCore
import Testing

@testable import DoorbellAssess

/// The file that is written, letter by letter.
@Suite struct ConfigurationDraftTests {
    private func draft(_ proposal: Proposal) -> ConfigurationDraft {
        ConfigurationDraft(
            heading: ["Made by a test.", "1. Read it."], database: "${DATABASE_URL}", databaseComment: nil,
            upstream: "http://127.0.0.1:3000", upstreamComment: "to be filled in", proposal: proposal)
    }

    @Test func `a feature with its table, one without, and what was left out`() {
        var messages = TableDescription(
            QualifiedName("messages")!, columns: [.init("id", "bigint"), .init("room_id", "bigint")], key: ["id"],
            references: [.init(["room_id"], to: QualifiedName("rooms")!, ["id"])])
        messages.rows = 1200
        messages.writesPerSecond = 120
        var database = DatabaseDescription(place: "db:5432/app", tables: [messages])
        database.tables.append(TableDescription(QualifiedName("rooms")!, key: ["id"]))
        var chat = PolledEndpoint(route: "/api/rooms/{room_id}/messages", interval: 2.5)
        chat.figures = ["push: a client polls 24 times a minute"]
        chat.hasCacheBuster = true
        let proposal = Proposal([chat, PolledEndpoint(route: "/api/dashboard")], database: database)
        #expect(
            draft(proposal).yaml == """
                # Made by a test.
                # 1. Read it.

                database: ${DATABASE_URL}
                listen: 0.0.0.0:8080
                upstream: http://127.0.0.1:3000    # to be filled in

                features:

                  # push: a client polls 24 times a minute
                  messages:
                    poll: GET /api/rooms/{room_id}/messages
                    interval: 2500ms    # what clients do today
                    mode: signal    # clients fetch the answer again. 'rows' sends the rows along: when they are all that it is made of
                    tables:    # by their names only: no record of changes was compared with the answers
                      # named like the end of the path: about 1,200 rows, 120 writes a second
                      # warning: very hot: each of its writes pays for a trigger; try it where it does no harm first
                      - name: public.messages
                        channel: room:{room_id}:messages
                    stage: observe
                    # does the answer show anything of rooms? Then it belongs to the tables, too
                    # clients add '_' to the URL against caches: with 'cache', say 'ignore: [_]'

                  dashboard:
                    poll: GET /api/dashboard
                    interval: 3s    # what clients do today; to be filled in
                    mode: signal    # clients are told that something changed and fetch it; 'rows' or 'answer' send it along
                    channel: dashboard
                    # tables:    # to be filled in: the tables whose rows the answer is made of
                    #   - name: public.dashboard
                    #     channel: dashboard    # columns in braces
                    stage: observe

                # 1 of 2 tables belong to none of these features by their names

                """)
    }

    @Test func `the service listens elsewhere where it is told to`() {
        var one = draft(Proposal([PolledEndpoint(route: "/a")], database: nil))
        #expect(one.yaml.contains("\nlisten: 0.0.0.0:8080\nupstream: "))
        one.listen = "0.0.0.0:8090"
        one.admin = "127.0.0.1:8091"
        #expect(one.yaml.contains("\nlisten: 0.0.0.0:8090\nadmin: 127.0.0.1:8091\nupstream: "))
    }

    @Test(arguments: [
        ("room:{room_id}:messages", "room:{room_id}:messages"), ("GET /api/x?a={a}&b=2", "GET /api/x?a={a}&b=2"),
        ("{id}:x", "'{id}:x'"), ("a: b", "'a: b'"), ("a #b", "'a #b'"), ("it's", "'it''s'"), ("yes", "'yes'"),
        ("", "''"), ("a:", "'a:'"), ("${HOME}", "'$${HOME}'"), ("a\nb", #""a\U0000000Ab""#),
        ("a\u{2028}\"\\", #""a\U00002028\"\\""#), ("7", "'7'"), ("- a", "'- a'"), ("é", "'é'"),
    ])
    func `a value is quoted where YAML would take it for something else`(text: String, written: String) {
        #expect(YAMLText.scalar(text) == written)
    }

    @Test func `a comment is one line, and an element of a list is nothing but itself`() {
        #expect(YAMLText.comment("a\nb\r\u{85}c\u{2028}d") == "a b  c d")
        #expect(
            ["id", "no", "a b", "a,b", "_x", "N"].map(YAMLText.element) == [
                "id", "'no'", "'a b'", "'a,b'", "_x", "'N'",
            ])
    }
}
