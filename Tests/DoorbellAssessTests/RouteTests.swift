import DoorbellTesting
import Testing

@testable import DoorbellAssess

@Suite struct RouteTests {
    /// The routes that are learned from requests of (client, method and target).
    private func routes(_ requests: [(client: Int, target: String)], status: Int = 200) throws -> Set<String> {
        var counter = LogCounter(capacity: 1024)
        let format = try LogFormat("common")
        for (client, target) in requests {
            let words = target.split(separator: " ")
            let line =
                #"10.0.\#(client / 256).\#(client % 256) - - [28/May/2026:20:26:40 +0200] "\#(words[0]) \#(words[1]) HTTP/1.1" \#(status) 9"#
            let log = ReadLog(line, format: format)
            for (entry, target) in zip(log.entries, log.targets) { counter.add(entry) { target } }
        }
        counter.finish()
        return Set(counter.routes.all.map { "\(counter.routes.endpoints[$0.index].method.name) \($0.template)" })
    }

    @Test func `the routes of a mixed API are found`() throws {
        var requests: [(Int, String)] = []
        var random = LogRandom(3)
        func uuid() -> String {
            let digits = String(random.next() | 1 << 63, radix: 16) + String(random.next() | 1 << 63, radix: 16)
            let all = Array(digits)
            return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(all[$0]) }.joined(separator: "-")
        }
        for client in 0..<60 {
            for _ in 0..<6 {
                requests += [
                    "GET /api/v1/users/\(random.next() % 10_000)/notifications?since=\(random.next() % 1000)",
                    "GET /api/v1/users/me", "GET /api/v1/orders/\(uuid())", "PUT /api/v1/orders/\(uuid())",
                    "GET /api/v1/orders/\(uuid())/items/\(random.next() % 9)",
                    "GET /api/v1/reports/2026-0\(1 + random.next() % 9)-1\(random.next() % 9)",
                    "GET /api/v2/users/\(random.next() % 100)",
                    "GET /blobs/\(String(random.next() | 1 << 63, radix: 16))\(String(random.next() | 1 << 63, radix: 16))",
                    "GET /assets/app.\(String(random.next() % 1_000_000, radix: 16)).js",
                    "GET /rpc?action=getMessages&id=\(client)",
                    "GET /rpc?action=getStatus", "GET /shop/the-blue-shirt-\(random.next() % 50)", "GET /",
                    "GET /health",
                    "GET /u/customer\(client)/inbox", "GET /status/dashboard",
                ].map { (client, $0) }
            }
        }
        #expect(
            try routes(requests) == [
                "GET /api/v1/users/{user_id}/notifications", "GET /api/v1/users/me", "GET /api/v1/orders/{order_id}",
                "PUT /api/v1/orders/{order_id}",
                "GET /api/v1/orders/{order_id}/items/{item_id}", "GET /api/v1/reports/{date}",
                "GET /api/v2/users/{user_id}", "GET /blobs/{blob_id}",
                "GET /assets/*.js", "GET /rpc?action=getMessages", "GET /rpc?action=getStatus", "GET /shop/{shop_id}",
                "GET /", "GET /health",
                "GET /u/{u_id}/inbox", "GET /status/dashboard",
            ])
    }

    @Test func `words that only one client each asks for are names`() throws {
        let names = ["ann", "bob", "cleo", "dan", "eve", "finn", "gus", "hal", "ida", "joe"]
        let requests = names.enumerated().flatMap { index, name in
            (0..<8).flatMap { _ in [(index, "GET /profile/\(name)/feed"), (index, "GET /profile/search")] }
        }
        #expect(try routes(requests) == ["GET /profile/{profile_id}/feed", "GET /profile/search"])
    }

    @Test func `collections of an API are not names`() throws {
        let collections = [
            "orders", "users", "items", "carts", "news", "jobs", "teams", "files", "tags", "notes", "tasks", "mails",
            "chats", "rooms", "logs",
        ]
        let requests = (0..<20).flatMap { client in collections.map { (client, "GET /api/\($0)/\(client)") } }
        #expect(try routes(requests).count == collections.count)
    }

    @Test func `too many words at one place become a value, but for those that everybody asks for`() throws {
        var requests: [(Int, String)] = []
        for index in 0..<400 {
            // Letters only: names in base 26.
            let letters = [index / 26 / 26, index / 26 % 26, index % 26].map { UInt8(97 + $0) }
            let word = "word" + String(decoding: letters, as: UTF8.self)
            requests.append((index % 50, "GET /wiki/\(word)"))
            requests.append((index % 50, "GET /wiki/main"))
        }
        #expect(try routes(requests) == ["GET /wiki/{wiki_id}", "GET /wiki/main"])
    }

    @Test func `what is not there makes no routes`() throws {
        let requests = (0..<300).map { (1, "GET /wp-\($0 * 7)/x.php") }
        #expect(try routes(requests, status: 404) == ["GET (not found)"])
    }

    @Test func `memory is bounded for any paths`() throws {
        var table = RouteTable()
        var random = LogRandom(11)
        for _ in 0..<40_000 {
            let target =
                "/"
                + (0..<6).map { _ in
                    String(random.next() % 50_000, radix: 26).map { $0.isNumber ? "x" : String($0) }.joined()
                }.joined(separator: "/")
            var entry = LogEntry()
            entry.status = 200
            entry.method = .get
            entry.shape = random.next()
            _ = table.endpoint(of: entry) { Array(target.utf8) }
        }
        #expect(table.nodes.count <= 2 * RouteTable.maximumNodes + RouteTable.maximumDepth)
        #expect(table.endpoints.count <= RouteTable.maximumEndpoints)
    }

    @Test(arguments: [
        ("users", "user_id"), ("categories", "category_id"), ("boxes", "box_id"), ("status", "status_id"),
        ("addresses", "address_id"), ("news", "new_id"),
        ("order-items", "order_item_id"), ("", "id"), ("3", "id"),
    ]) func `values are named after what stands before them`(word: String, name: String) {
        #expect(RouteTemplate.singular(word) == name)
    }
}
