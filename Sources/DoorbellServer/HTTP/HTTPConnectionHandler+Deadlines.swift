import NIOCore

/// Connections on which nothing happens for too long are closed.
extension HTTPConnectionHandler {
    /// - Parameter delay: When to look. Never later than the shortest deadline of the configuration, so that a state with a short one is not
    ///   found late by more than that.
    func watchActivity(for delay: TimeAmount? = nil) {
        guard let context else { return }
        let configuration = core.configuration
        let longest = TimeAmount(
            min(configuration.headerTimeout, configuration.idleTimeout, configuration.stallTimeout))
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        activity.start(
            context.eventLoop.scheduleTask(in: min(delay ?? longest, longest)) { bound.value.lookAtActivity() })
    }

    private func lookAtActivity() {
        guard let allowed = deadline else { return watchActivity() }
        let left = activity.left(of: allowed)
        if left > .zero { watchActivity(for: left) } else { close() }
    }

    /// How long nothing may happen in the present state; `nil`: as long as the legacy API takes.
    private var deadline: Duration? {
        let configuration = core.configuration
        switch state {
        case .idle: return isFirstRequest ? configuration.headerTimeout : configuration.idleTimeout
        case .exchanging(let exchange):
            let isClientsTurn = (!exchange.isRequestEnded && !isBodyHeld) || writable != nil
            return isClientsTurn ? configuration.stallTimeout : nil
        case .lingering: return Self.lingerTimeout
        case .streaming: return context?.channel.isWritable == false ? configuration.stallTimeout : nil
        case .done: return configuration.stallTimeout
        }
    }
}
