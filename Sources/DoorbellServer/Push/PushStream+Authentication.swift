import DoorbellAuth
import DoorbellCore
import NIOCore

extension PushStream {
    /// The answer comes at once where no keys have to be waited for.
    func verify(_ token: String, id: String?) {
        guard let verifier = core.doorkeeper.authentication?.verifier else { return }
        let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
        verifier.verify(token, now: core.now(), on: channel.eventLoop).whenComplete { result in
            let stream = bound.value
            guard stream.state == .open else { return }
            switch result {
            case .success(let identity): stream.perform { $0.verified(token, .success(identity), id: id) }
            case .failure(let error as TokenError): stream.perform { $0.verified(token, .failure(error), id: id) }
            // The loop is going away, and the stream with it.
            case .failure: break
            }
        }
    }

    func adopt(_ token: String) {
        headers.bear(token)
        watchDeadline()
        changedCredentials()
        // Others may have been shown nobody.
        for channel in session.subscriptions.channels(where: { $1.state == .live && $1.feature.presence }) {
            arrived(on: channel)
        }
    }

    func watchDeadline() {
        if let deadline = session.deadline { loopState.watch(self, until: deadline) }
    }
}
