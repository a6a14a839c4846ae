import DoorbellCore
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// The admin port: what operators and tools read. Loopback by default, and never on the public port.
///
/// Routes: `/metrics` (Prometheus text), `/comparison` and `/parity`, `/parity/{feature}` (JSON; `?format=text` for tables), `/gates`,
/// `/gates/{feature}` (the same; `&explain=true`), `/status`,
/// `/dead-letters`, `/connections` and `/pollers` (JSON; `?format=text` for the table; `limit=`, 50 by default; `/pollers` also `feature=`),
/// `/health/live`, `/health/ready`.
struct AdminService: Service {
    let address: ListenAddress
    let view: AdminView
    let group: any EventLoopGroup
    let logger: Logger
    let onBound: @Sendable (Int) -> Void

    func run() async throws {
        let router = Router()
        router.get("/metrics") { _, _ in
            Self.answer(view.metrics(), type: "text/plain; version=0.0.4; charset=utf-8")
        }
        router.get("/comparison") { request, _ in
            let comparison = view.comparison()
            return request.uri.queryParameters["format"] == "text"
                ? Self.answer(comparison.text, type: "text/plain; charset=utf-8")
                : Self.answer(comparison.json, type: "application/json")
        }
        router.get("/parity") { request, _ in Self.answer(view.parity(nil), to: request) }
        router.get("/parity/:feature") { request, context in
            Self.answer(view.parity(context.parameters.get("feature") ?? ""), to: request)
        }
        router.get("/gates") { request, _ in Self.answer(view.gates(nil), to: request) }
        router.get("/gates/:feature") { request, context in
            Self.answer(view.gates(context.parameters.get("feature") ?? ""), to: request)
        }
        router.get("/status") { _, _ in Self.answer(view.status(), type: "application/json") }
        router.get("/dead-letters") { _, _ in Self.answer(view.deadLetters(), type: "application/json") }
        router.get("/connections") { request, _ in
            let limit = request.uri.queryParameters["limit"].flatMap { Int($0) } ?? 50
            let connections = await view.connections(limit)
            return request.uri.queryParameters["format"] == "text"
                ? Self.answer(connections.text, type: "text/plain; charset=utf-8")
                : Self.answer(connections.json, type: "application/json")
        }
        router.get("/pollers") { request, _ in
            let limit = request.uri.queryParameters["limit"].flatMap { Int($0) } ?? 50
            let pollers = view.pollers(request.uri.queryParameters["feature"].map { String($0) }, limit)
            return request.uri.queryParameters["format"] == "text"
                ? Self.answer(pollers.text, type: "text/plain; charset=utf-8")
                : Self.answer(pollers.json, type: "application/json")
        }
        router.get("/health/live") { _, _ in Self.answer("{\"live\":true}\n", type: "application/json") }
        router.get("/health/ready") { _, _ in
            let (ready, text) = view.ready()
            return Self.answer(text, type: "application/json", status: ready ? .ok : .serviceUnavailable)
        }
        let application = Application(
            router: router,
            configuration: .init(address: .hostname(address.host, port: address.port), serverName: "doorbell"),
            onServerRunning: { channel in onBound(channel.localAddress?.port ?? address.port) },
            eventLoopGroupProvider: .shared(group), logger: logger)
        do {
            try await application.run()
        } catch let error as IOError {
            throw explain(error)
        } catch is SocketAddressError.UnknownHost {
            throw DoorbellError(
                .system, "cannot listen on the admin address \(address): that name has no address",
                hint: "Use 127.0.0.1 or an address of this machine under `admin`.")
        }
    }

    private func explain(_ error: IOError) -> DoorbellError {
        let reason =
            switch error.errnoCode {
            case EADDRINUSE: "the port is in use"
            case EADDRNOTAVAIL: "this machine does not have that address"
            case EACCES, EPERM: "not permitted"
            default: error.description
            }
        return DoorbellError(
            .system, "cannot listen on the admin address \(address): \(reason)",
            hint: "Choose another one under `admin`, or end the process that has it (`ss -ltnp` names it).")
    }

    /// As text where `?format=text` asks for it; 404 for what there is not.
    private static func answer(_ shown: (text: String, json: String)?, to request: Request) -> Response {
        guard let shown else { return answer("{}\n", type: "application/json", status: .notFound) }
        return request.uri.queryParameters["format"] == "text"
            ? answer(shown.text, type: "text/plain; charset=utf-8") : answer(shown.json, type: "application/json")
    }

    private static func answer(
        _ shown: (text: String, explanation: String, json: String)?, to request: Request
    ) -> Response {
        let explains = request.uri.queryParameters["explain"] == "true"
        return answer(shown.map { (explains ? $0.explanation : $0.text, $0.json) }, to: request)
    }

    private static func answer(_ text: String, type: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: type, .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}
