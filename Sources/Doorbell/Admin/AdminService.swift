import DoorbellCore
import Hummingbird
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// The admin port: what operators and tools read and, with the token, what they change. Loopback by default, and never on the public port.
///
/// Open to whoever reaches it: `/metrics` (Prometheus text), `/health/live`, `/health/ready`, and the dashboard's own files under
/// `/dashboard/`.
///
/// To read (``AdminAccess/read(_:)``): `/comparison` (a ``ComparisonReport``; `since=`, `feature=`, `points=none|paths|all`), `/parity`, `/parity/{feature}`, `/gates`, `/gates/{feature}` (JSON; `?format=text` for
/// tables; gates also `&explain=true`), `/status`, `/dead-letters`, `/connections` and `/pollers` (JSON; `?format=text` for the table;
/// `limit=`, 50 by default; `/pollers` also `feature=`), `/stages/history` (`feature=`, `limit=`, 50 by default),
/// `/tail` (server-sent events; `feature=`, `channel=` for its beginning), `/access`: what the caller may do.
///
/// To change something (``AdminAccess/act(_:)``): `POST /stages/{feature}` with a ``StageRequest``.
struct AdminService: Service {
    let address: ListenAddress
    let access: AdminAccess
    let view: AdminView
    let group: any EventLoopGroup
    let logger: Logger
    let onBound: @Sendable (Int) -> Void

    func run() async throws {
        let router = Router()
        router.add(middleware: AdminMiddleware())
        router.get("/metrics") { _, _ in
            Response.text(view.metrics(), type: "text/plain; version=0.0.4; charset=utf-8")
        }
        router.get("/health/live") { _, _ in Response.json("{\"live\":true}\n") }
        router.get("/health/ready") { _, _ in
            let (ready, text) = view.ready()
            return Response.json(text, status: ready ? .ok : .serviceUnavailable)
        }
        addDashboard(to: router)
        addFigures(to: router.group().add(middleware: AdminReadGuard(access: access)))
        addStages(to: router)
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
}
