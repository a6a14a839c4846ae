import DoorbellCore

/// Says once that both ports are open.
final class ReadySignal: Sendable {
    private let onReady: @Sendable (DoorbellService.Endpoints) -> Void
    private let listen: ListenAddress
    private let said = Locked(false)

    init(onReady: @escaping @Sendable (DoorbellService.Endpoints) -> Void, listen: ListenAddress) {
        self.onReady = onReady
        self.listen = listen
    }

    func adminBound(_ admin: ListenAddress) {
        let first = said.withLock { said in
            defer { said = true }
            return !said
        }
        if first { onReady(DoorbellService.Endpoints(listen: listen, admin: admin)) }
    }
}
