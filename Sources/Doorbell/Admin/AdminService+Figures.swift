import DoorbellCore
import DoorbellRollout
import Hummingbird

/// What may be read.
extension AdminService {
    private static let figures = 50

    func addFigures(to routes: RouterGroup<BasicRequestContext>) {
        routes.get("/comparison") { request, _ in
            guard let query = Self.comparisonQuery(request) else {
                return Response.failure(
                    400, "bad_query", "this is no question that can be answered",
                    "since is a duration such as 24h, or seconds; points is none, paths or all.")
            }
            return Self.answer(await view.comparison(query), to: request)
        }
        routes.get("/parity") { request, _ in try Self.answer(view.parity(nil), to: request) }
        routes.get("/parity/:feature") { request, context in
            try Self.answer(view.parity(context.parameters.get("feature") ?? ""), to: request)
        }
        routes.get("/gates") { request, _ in try Self.answer(view.gates(nil), to: request) }
        routes.get("/gates/:feature") { request, context in
            try Self.answer(view.gates(context.parameters.get("feature") ?? ""), to: request)
        }
        routes.get("/status") { _, _ in Response.json(view.status()) }
        routes.get("/dead-letters") { _, _ in Response.json(view.deadLetters()) }
        routes.get("/connections") { request, _ in
            Self.answer(await view.connections(Self.limit(of: request)), to: request)
        }
        routes.get("/pollers") { request, _ in
            Self.answer(view.pollers(request.value("feature"), Self.limit(of: request)), to: request)
        }
        routes.get("/access") { request, _ in
            let hasToken = try access.read(request.access).get()
            return Response.json("{\"canAct\":\(hasToken),\"isTokenConfigured\":\(access.token != nil)}\n")
        }
        routes.get("/tail") { request, _ in
            let hasToken = try access.read(request.access).get()
            return try tail(
                TailViewer(
                    feature: request.value("feature"), channel: request.value("channel"), withContent: hasToken))
        }
    }

    private func tail(_ viewer: TailViewer) throws -> Response {
        guard let lines = view.tail.watch(viewer) else {
            throw AdminAccess.Refusal(
                status: 503, code: "too_many_viewers",
                message: "\(TailBoard.maximumViewers) people watch already, or the service is ending",
                hint: "Close a tail that nobody needs.")
        }
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: .init { writer in
                for await line in lines { try await writer.write(ByteBuffer(string: line)) }
                try await writer.finish(nil)
            })
    }

    /// `since` (`24h`, or seconds), `feature` and `points`; `nil`: they cannot be understood.
    private static func comparisonQuery(_ request: Request) -> ComparisonQuery? {
        var query = ComparisonQuery(feature: request.value("feature"))
        if let since = request.value("since") {
            guard let seconds = Units.duration(since).map({ $0 / .seconds(1) }) ?? Double(since), seconds > 0,
                seconds.isFinite
            else { return nil }
            query.since = seconds
        }
        if let points = request.value("points") {
            guard let points = ComparisonQuery.Points(rawValue: points) else { return nil }
            query.points = points
        }
        return query
    }

    static func limit(of request: Request) -> Int {
        request.value("limit").flatMap { Int($0) }.map { min(max($0, 1), 10_000) } ?? figures
    }

    private static func answer(_ shown: (text: String, json: String), to request: Request) -> Response {
        request.value("format") == "text"
            ? .text(shown.text, type: "text/plain; charset=utf-8") : .json(shown.json)
    }

    private static func answer(_ shown: (text: String, json: String)?, to request: Request) throws -> Response {
        guard let shown else { throw HTTPError(.notFound) }
        return answer(shown, to: request)
    }

    private static func answer(
        _ shown: (text: String, explanation: String, json: String)?, to request: Request
    ) throws -> Response {
        let explains = request.value("explain") == "true"
        return try answer(shown.map { (explains ? $0.explanation : $0.text, $0.json) }, to: request)
    }
}

extension Request {
    /// Of the query; `nil`: not there, or empty.
    func value(_ name: String) -> String? {
        uri.queryParameters[name[...]].flatMap { $0.isEmpty ? nil : String($0) }
    }
}
