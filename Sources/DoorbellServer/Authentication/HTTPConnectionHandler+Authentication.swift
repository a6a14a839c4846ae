import NIOCore
import NIOHTTP1

extension HTTPConnectionHandler {
    /// Goes on with those who may, and answers the others.
    ///
    /// - Parameters:
    ///   - accessControl: What pages of other origins need to read a refusal.
    ///   - then: Called at once, or when keys that the token waits for have been loaded.
    func admit(
        _ request: AccessRequest, accessControl: HTTPHeaders = [:], then: @escaping (Visitor) -> Void
    ) {
        guard let loop = context?.eventLoop else { return }
        let bound = NIOLoopBound((self, then), eventLoop: loop)
        core.doorkeeper.admit(request, on: loop).whenComplete { result in
            let (connection, then) = bound.value
            // The client may have left, or have been answered, while keys were waited for.
            guard case .exchanging = connection.state else { return }
            switch result {
            case .success(let visitor): then(visitor)
            case .failure(let error as AccessRefusal): connection.send(error.answer.adding(accessControl))
            // The loop is going away, and the connection with it.
            case .failure: connection.close()
            }
        }
    }
}
