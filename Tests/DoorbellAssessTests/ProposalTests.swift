import DoorbellCore
import Testing

@testable import DoorbellAssess

/// From what is polled and what the database has to features.
@Suite struct ProposalTests {
    private static let columns = ["id", "body", "created_at"]

    /// A table of `public` with an `id`, further columns, and columns that refer to tables: `room_id>rooms`.
    private func table(
        _ name: String, _ columns: String..., key: [String] = ["id"], type: String = "bigint"
    ) -> TableDescription {
        var table = TableDescription(QualifiedName(name)!, key: key)
        table.columns = (key.contains("id") ? ["id"] : []).map { .init($0, type) }
        for text in columns {
            let parts = text.split(separator: ">").map(String.init)
            table.columns.append(.init(parts[0], type))
            if parts.count == 2 { table.references.append(.init([parts[0]], to: QualifiedName(parts[1])!, ["id"])) }
        }
        return table
    }

    private func propose(
        _ routes: String..., tables: [TableDescription], evidence: [String: ChangeEvidence] = [:]
    ) -> Proposal {
        let endpoints = routes.map { route in
            var endpoint = PolledEndpoint(route: route, interval: 3)
            endpoint.evidence = Dictionary(uniqueKeysWithValues: evidence.map { (QualifiedName($0.key)!, $0.value) })
            return endpoint
        }
        return Proposal(endpoints, database: DatabaseDescription(place: "127.0.0.1:5432/app", tables: tables))
    }

    /// `table on channel` of each table of the only feature.
    private func tables(_ proposal: Proposal) -> [String] {
        (proposal.features.first?.tables ?? []).map { table in
            switch table.channel {
            case .template(let text): "\(table.name) on \(text)"
            case .query(let text): "\(table.name) by \(text)"
            }
        }
    }

    // MARK: Names

    @Test(arguments: [
        ("room_members", ["room", "member"]), ("RoomMembers", ["room", "member"]),
        ("room-members", ["room", "member"]),
        ("roomId", ["room", "id"]), ("HTTPLogs", ["http", "log"]), ("categories", ["category"]),
        ("addresses", ["address"]), ("boxes", ["box"]), ("status", ["status"]), ("people", ["person"]),
        ("user notifications", ["user", "notification"]), ("__x__", ["x"]), ("", []), ("…", []),
    ])
    func `words are lower case and singular, however they are written`(name: String, words: [String]) {
        #expect(Word.split(name) == words)
    }

    @Test func `a path is resources with holes, without what is said of the API`() {
        let path = ResourcePath("/api/v2/rooms/{room_id}/messages.json?action=list")
        #expect(path.steps.map(\.literal) == ["rooms", "messages"])
        #expect(path.steps.map(\.holes) == [["room_id"], []])
        #expect(!path.endsWithAspect)
        #expect(ResourcePath("/orders/{order_id}/status").endsWithAspect)
        #expect(ResourcePath("/orders/latest").endsWithAspect)
        #expect(!ResourcePath("/status").endsWithAspect)
        #expect(!ResourcePath("/users/{id}/unread").endsWithAspect)
        #expect(ResourcePath("/").steps == [])
    }

    @Test func `a table named like the end of the path, with the column of the hole`() {
        let proposal = propose(
            "/api/rooms/{room_id}/messages",
            tables: [table("rooms", "name"), table("messages", "room_id>rooms", "body")])
        #expect(tables(proposal) == ["public.messages on room:{room_id}:messages"])
        let feature = proposal.features[0]
        #expect(feature.name == "messages")
        #expect(feature.poll == "GET /api/rooms/{room_id}/messages")
        #expect(feature.channel == nil)
        #expect(feature.mode == .signal)
        #expect(feature.confidence == .high)
        #expect(feature.basis.contains("by their names only"))
        #expect(feature.hints == ["does the answer show anything of rooms? Then it belongs to the tables, too"])
    }

    @Test(arguments: [
        ("/api/roomMessages", "room_messages", [], ["public.room_messages on roommessages"]),
        ("/rooms/{room_id}/messages", "RoomMessage", ["room_id"], ["public.RoomMessage on room:{room_id}:messages"]),
        ("/rooms/{room_id}/messages", "messages", ["roomId"], ["public.messages on room:{roomId}:messages"]),
        ("/rooms/{id}/messages", "message", ["room"], ["public.message on room:{room}:messages"]),
        (
            "/rooms/{room_id}/messages", "shop_messages", ["room_uuid"],
            ["public.shop_messages on room:{room_uuid}:messages"]
        ),
        (
            "/users/{user_id}/notifications", "user_notifications", ["user_id"],
            ["public.user_notifications on user:{user_id}:notifications"]
        ),
        ("/orders/{order_id}", "orders", [], ["public.orders on order:{id}"]),
        ("/orders/{order_id}/status", "orders", ["status"], ["public.orders on order:{id}:status"]),
        ("/orders/{order_id}/progress", "orders", [], ["public.orders on order:{id}:progress"]),
        ("/posts/{slug}", "posts", ["slug"], ["public.posts on post:{slug}"]),
        ("/recent-orders", "orders", [], ["public.orders on recent-orders"]),
        (
            "/orders/{order_id}/lines/{line_id}", "order_lines", ["order_id"],
            ["public.order_lines on order:{order_id}:line:{id}"]
        ),
        ("/orders/latest", "orders", [], ["public.orders on orders:latest"]),
        ("/orders/{order_id}/unread", "orders", [], []),
        ("/dashboard", "orders", [], []),
        ("/{tenant_id}/orders", "orders", [], []),
    ])
    func `paths and tables that belong together`(route: String, name: String, columns: [String], expected: [String]) {
        var one = table(name)
        one.columns += columns.map { .init($0, "bigint") }
        #expect(tables(propose(route, tables: [one])) == expected)
    }

    @Test func `the hole of the URL is called like the column, so that one template serves both`() throws {
        let feature = propose("/orders/{order_id}/status", tables: [table("orders", "status")]).features[0]
        #expect(feature.poll == "GET /orders/{id}/status")
        #expect(feature.channel == nil)
        let odd = propose("/orders/{order_id}", tables: [table("orders", key: ["order no."])]).features[0]
        #expect(odd.poll == "GET /orders/{order_id}")
        #expect(odd.channel == "order:{order_id}")
        #expect(odd.tables[0].channel == .template("order:{order no.}"))
    }

    @Test func `where no table is found, those that refer to the resource before it are named`() {
        let feature = propose(
            "/users/{user_id}/unread", tables: [table("users"), table("mails", "user_id>users"), table("rooms")]
        ).features[0]
        #expect(feature.tables == [])
        #expect(
            feature.hints == ["no table is named like the end of the path; these refer to users: public.mails"])
        let prefixed = propose(
            "/users/{user_id}/inbox", tables: [table("auth_user"), table("inbox_items", "recipient_id>auth_user")]
        ).features[0]
        #expect(
            prefixed.hints == [
                "no table is named like the end of the path; these begin so: public.inbox_items",
                "no table is named like the end of the path; these refer to auth_user: public.inbox_items",
            ])
        let other = propose("/users/{user_id}/docs", tables: [table("docs", "owner_id")]).features[0]
        #expect(
            other.hints == [
                "public.docs: named like the end of the path, but no column of it is {user_id}; it has id, owner_id"
            ])
    }

    @Test func `a foreign key says more than a name`() {
        let own = [table("users", "name"), table("notes", "owner>users", "body")]
        #expect(tables(propose("/users/{user_id}/notes", tables: own)) == ["public.notes on user:{owner}:notes"])
        let two = [table("users"), table("transfers", "sender>users", "receiver>users")]
        let feature = propose("/users/{user_id}/transfers", tables: two).features[0]
        #expect(feature.tables == [])
        #expect(feature.channel == "user:{user_id}:transfers")
        #expect(
            feature.hints == [
                "public.transfers: named like the end of the path, but several columns of it could be {user_id}: sender, receiver"
            ])
    }

    @Test func `a parameter that is a column chooses the rows, one that is none does not`() throws {
        let events = table("events", "user_id>users", "body")
        let own = propose("/api/events?user_id={user_id}", tables: [events, table("users")]).features[0]
        #expect(own.name == "events")
        #expect(own.poll == "GET /api/events?user_id={user_id}")
        #expect(own.tables.map(\.channel) == [.template("events:{user_id}")])
        // The parameter says whose id it is.
        let short = propose("/api/events?user={id}", tables: [events, table("users")]).features[0]
        #expect(short.poll == "GET /api/events?user={user_id}")
        #expect(short.tables.map(\.channel) == [.template("events:{user_id}")])
        let sorted = propose("/api/events?sort={sort}", tables: [events]).features[0]
        #expect(sorted.poll == "GET /api/events?sort={sort}")
        #expect(sorted.tables.map(\.channel) == [.template("events")])
        #expect(propose("/api?action=orders", tables: [table("orders")]).features[0].name == "orders")
    }

    @Test func `parameters of a log that are columns are told of, and what they would save`() {
        var endpoint = PolledEndpoint(route: "/api/events")
        endpoint.queryKeys = ["user", "limit", "id 2"]
        let tables = [table("events", "user_id>users", "limit_"), table("users")]
        let proposal = Proposal([endpoint], database: DatabaseDescription(place: "db", tables: tables))
        #expect(
            proposal.features[0].hints.first
                == "clients ask with '?user=': if all of them do, 'poll: GET /api/events?user={user_id}' and 'channel: events:{user_id}' tell each of its own rows only"
        )
        endpoint.queryKeys = ["page"]
        let other = Proposal([endpoint], database: DatabaseDescription(place: "db", tables: tables))
        #expect(other.features[0].hints.allSatisfy { !$0.hasPrefix("clients ask") })
    }

    @Test func `what a person names has what the logs say of it, and stands once`() {
        var assessed = PolledEndpoint(route: "/api/orders/{order_id}", interval: 5)
        assessed.figures = ["push: often"]
        let all = PolledEndpoint.all(
            named: ["/api/rooms", "/api/orders/{id}"], assessed: [PolledEndpoint(route: "/api/users"), assessed])
        let proposal = Proposal(all, database: DatabaseDescription(place: "db", tables: [table("orders")]))
        #expect(proposal.features.map(\.poll) == ["GET /api/rooms", "GET /api/orders/{id}", "GET /api/users"])
        #expect(proposal.features.map(\.interval) == [nil, 5, nil])
        #expect(proposal.features[1].figures == ["push: often"])
    }

    @Test func `where a URL leaves out who asks, everybody is woken, and that is told`() {
        let settings = [table("user_settings", "user_id>users"), table("users")]
        #expect(
            propose("/api/me/settings", tables: settings).features[0].hints.last
                == "'me' is another for each caller, and the channel is one for all: each change wakes everybody, unless the URL says who it is"
        )
        #expect(propose("/api/menu", tables: []).features[0].hints == [])
    }

    @Test func `a path in percent-encoding is read as what it stands for`() {
        let proposal = propose("/api/Gr%C3%B6%C3%9Fen/{id}", "/api/two%20words", tables: [table("Größen")])
        #expect(tables(proposal) == ["public.Größen on gr--en:{id}"])
        #expect(proposal.features.map(\.name) == ["gr--en", "two-words"])
    }

    @Test func `whose a row is may stand in a table of memberships, or in the row that it belongs to`() {
        let members = [
            table("users"), table("rooms", "name"),
            table("room_members", "room_id>rooms", "user_id>users", key: ["room_id", "user_id"]),
            table("invitations", "room_id>rooms", "user_id>users"),
        ]
        #expect(
            tables(propose("/users/{user_id}/rooms", tables: members)) == [
                #"public.rooms by select 'user:' || "user_id" || ':rooms' from "public"."room_members" where "room_id" = {id}"#,
                "public.room_members on user:{user_id}:rooms",
            ])
        let comments = [table("users"), table("posts", "user_id>users"), table("comments", "post_id>posts")]
        #expect(
            tables(propose("/users/{user_id}/comments", tables: comments)) == [
                #"public.comments by select 'user:' || "user_id" || ':comments' from "public"."posts" where "id" = {post_id}"#
            ])
        // Text would have to be encoded, which SQL does not do.
        let text = [table("users"), table("posts", "user_id>users", type: "text"), table("comments", "post_id>posts")]
        #expect(tables(propose("/users/{user_id}/comments", tables: text)) == [])
    }

    @Test func `the better name wins, then the schema that the path names, and equals are left to people`() {
        let both = [table("notifications", "body"), table("user_notifications", "user_id")]
        #expect(
            tables(propose("/users/{user_id}/notifications", tables: both)) == [
                "public.user_notifications on user:{user_id}:notifications"
            ])
        let schemas = [table("archive.invoices"), table("invoices"), table("billing.invoices")]
        #expect(tables(propose("/invoices", tables: schemas)) == ["public.invoices on invoices"])
        #expect(tables(propose("/billing/invoices", tables: schemas)) == ["billing.invoices on billing:invoices"])
        // Only the schema decided, so the others are named.
        #expect(
            propose("/invoices", tables: schemas).features[0].hints == [
                "named the same: archive.invoices, billing.invoices"
            ])
        #expect(propose("/billing/invoices", tables: schemas).features[0].hints == [])
        let equal = propose("/alerts", tables: [table("disk_alerts"), table("mail_alerts")]).features[0]
        #expect(equal.tables == [])
        #expect(equal.hints == ["several tables could be meant: public.disk_alerts, public.mail_alerts"])
    }

    @Test func `a view is the tables that it reads, a foreign table is none`() {
        var view = TableDescription(QualifiedName("totals")!, kind: .view, columns: [.init("sum", "numeric")])
        view.sources = [QualifiedName("orders")!, QualifiedName("refunds")!]
        let proposal = propose("/totals", tables: [view, table("orders"), table("refunds")])
        #expect(tables(proposal) == ["public.orders on totals", "public.refunds on totals"])
        #expect(proposal.features[0].tables[0].reasons == ["read by the view totals, named like the end of the path"])
        let foreign = propose("/orders", tables: [TableDescription(QualifiedName("orders")!, kind: .foreign)])
        #expect(tables(foreign) == [])
        #expect(foreign.features[0].hints[0].contains("is a foreign table"))
    }

    @Test func `a materialized view changes when it is refreshed, not when its tables do`() {
        var kept = TableDescription(QualifiedName("totals")!, kind: .materialized)
        kept.sources = [QualifiedName("orders")!]
        let feature = propose("/totals", tables: [kept, table("orders")]).features[0]
        #expect(feature.tables == [])
        let told =
            "public.totals is a materialized view, which changes when it is refreshed, and no trigger sees that: tell of it behind each REFRESH, by doorbell.publish"
        #expect(feature.hints == [told])
        var view = TableDescription(QualifiedName("overview")!, kind: .view)
        view.sources = [QualifiedName("orders")!, QualifiedName("totals")!]
        let above = propose("/overview", tables: [view, kept, table("orders")])
        #expect(tables(above) == ["public.orders on overview"])
        #expect(above.features[0].hints == [told])
    }

    // MARK: What is to be minded

    @Test func `a table without a key, a hot one, and one of somebody else are warned of`() {
        var hot = table("orders", key: [])
        hot.writesPerSecond = 250
        hot.rows = 12_345
        hot.mayTrigger = false
        let one = propose("/orders", tables: [hot]).features[0].tables[0]
        #expect(one.facts == "about 12,345 rows, 250 writes a second")
        #expect(one.warnings.map { $0.prefix(12) } == ["it has no ke", "very hot: ea", "this user ma"])
        var parted = table("orders")
        parted.kind = .partitioned
        parted.partitions = 12
        let other = propose("/orders", tables: [parted]).features[0].tables[0]
        #expect(other.facts == "12 partitions, about 0 rows, no writes so far")
        var young = table("orders")
        (young.rows, young.writes) = (1, 1)
        #expect(propose("/orders", tables: [young]).features[0].tables[0].facts == "about 1 row, 1 write so far")
        #expect(other.warnings == [])
    }

    @Test func `a table that the configuration cannot name is told of`() {
        let odd = TableDescription(QualifiedName(schema: "public", name: "a.orders"))
        let feature = propose("/orders", tables: [odd]).features[0]
        #expect(feature.tables == [])
        #expect(
            feature.hints == ["public.a.orders cannot be named in a configuration: its name has a dot or quotes in it"])
    }

    @Test func `of 500 tables those that matter are proposed and the others counted`() {
        var many = (0..<499).map { table("noise_\($0)") }
        many[7].writes = 5000
        many[7].writesPerSecond = 0.5
        let proposal = propose("/messages", tables: many + [table("messages")])
        #expect(tables(proposal) == ["public.messages on messages"])
        #expect(
            proposal.remarks == [
                "499 of 500 tables belong to none of these features by their names; written most: public.noise_7 (0.5 writes a second)"
            ])
    }

    @Test func `an empty database leaves the tables to be filled in`() {
        let proposal = propose("/messages", tables: [])
        #expect(proposal.features.map(\.confidence) == [.none])
        #expect(proposal.features[0].channel == "messages")
        #expect(proposal.remarks == ["127.0.0.1:5432/app has no tables that this user can see"])
    }

    @Test func `features do not share names, polls or channels`() throws {
        let proposal = propose(
            "/orders/{id}", "/v2/orders/{id}", "/orders/{order}", "/shop/orders/{id}", "/{a}/{b}", "/{c}/x", "/orders",
            tables: [table("orders")])
        #expect(proposal.features.count == 6)
        #expect(Set(proposal.features.map(\.name)).count == 6)
        let templates = try proposal.features.map { feature in
            let tables = feature.tables.compactMap { if case .template(let text) = $0.channel { text } else { nil } }
            return try ChannelTemplate(feature.channel ?? tables[0])
        }
        for (index, one) in templates.enumerated() {
            for other in templates[..<index] { #expect(!one.overlaps(other), "\(one) \(other)") }
        }
    }

    @Test func `more polled URLs than a person reads are counted`() {
        let endpoints = (0..<60).map { PolledEndpoint(route: "/r\($0)") }
        let proposal = Proposal(endpoints, database: nil)
        #expect(proposal.features.count == 50)
        #expect(proposal.remarks == ["10 more polled URLs are left out: 'doorbell assess --all' lists them"])
    }

    // MARK: Evidence

    private static let supports = ChangeEvidence(pairs: 500, changed: 40, tableChanged: 60, both: 40)
    private static let contradicts = ChangeEvidence(pairs: 500, changed: 40, tableChanged: 60, both: 5)

    @Test func `a share of changed answers says something only where chance would give less`() {
        #expect(Self.supports.verdict == .supports)
        #expect(Self.supports.isExclusive)
        #expect(Self.contradicts.verdict == .contradicts)
        // It changes all the time.
        #expect(ChangeEvidence(pairs: 500, changed: 40, tableChanged: 490, both: 40).verdict == .undecided)
        #expect(ChangeEvidence(pairs: 500, changed: 40, tableChanged: 500, both: 40).verdict == .undecided)
        #expect(ChangeEvidence(pairs: 500, changed: 9, tableChanged: 20, both: 9).verdict == .undecided)
        #expect(ChangeEvidence(pairs: 500, changed: 40, tableChanged: 60, both: 37).verdict == .supports)
        #expect(!ChangeEvidence(pairs: 500, changed: 40, tableChanged: 60, both: 37).isExclusive)
        #expect(ChangeEvidence(pairs: 0, changed: 0, tableChanged: 0, both: 0).verdict == .undecided)
    }

    @Test func `rows are proposed when no answer changed without the table, and secrets are left out`() {
        let messages = table("messages", "room_id", "body", "edit_token", "password_hash")
        let feature = propose(
            "/rooms/{room_id}/messages", tables: [messages], evidence: ["messages": Self.supports]
        ).features[0]
        #expect(feature.mode == .rows)
        #expect(feature.confidence == .high)
        #expect(feature.columns == ["id", "room_id", "body"])
        #expect(
            feature.hints == [
                "versions: take out what the answer does not show; edit_token, password_hash are left out already"
            ])
        #expect(
            feature.tables[0].reasons == [
                "named like the end of the path",
                "40 of 40 changed answers came after a change of it, 12 % would by chance",
            ])
        // Without a key a client cannot replace a row.
        let keyless = propose("/messages", tables: [table("messages", key: [])], evidence: ["messages": Self.supports])
        #expect(keyless.features[0].mode == .signal)
    }

    @Test func `a name that the answers contradict is worth little, and another table takes its place`() {
        let low = propose("/messages", tables: [table("messages")], evidence: ["messages": Self.contradicts]).features[
            0]
        #expect(low.confidence == .low)
        #expect(low.mode == .signal)
        let both = propose(
            "/dashboard", tables: [table("orders"), table("rooms")],
            evidence: ["orders": Self.supports, "rooms": Self.contradicts])
        #expect(tables(both) == ["public.orders on dashboard"])
        #expect(both.features[0].tables[0].reasons[0] == "it changes when the answer does")
        let unknown = propose("/users/{user_id}/feed", tables: [table("orders")], evidence: ["orders": Self.supports])
        #expect(unknown.features[0].tables == [])
        #expect(unknown.features[0].hints[0].contains("public.orders changes when the answer does"))
    }
}
