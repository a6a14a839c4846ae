import AsyncHTTPClient
import DoorbellClient
import DoorbellCore
import NIOCore
import NIOHTTP1

/// Listens to an event stream, and notes when it speaks.
struct EventProbe: Sendable {
    enum Outcome: Sendable {
        /// Something else than an event stream.
        case refused(UInt, type: String)
        /// Not even its head came.
        case silent(Int)
        case ended(Int, reason: String?)
        /// Its beginning came, then nothing.
        case spoke(once: Int)
        /// Heartbeats come as well.
        case spokeAgain(Int)
    }

    let request: HTTPClientRequest

    /// What was heard by now.
    private struct Heard: Sendable {
        var began = false
        var refused: (UInt, String)?
        var ended: String??
        var again: ContinuousClock.Instant?
    }

    /// Until it has spoken twice, half a second apart or more, or `patience` is over.
    func watch(for patience: Duration) async -> Outcome {
        let start = ContinuousClock.now
        let heard = Locked(Heard())
        _ = await withTimeout(patience) { await self.listen(heard) }
        let seconds = (ContinuousClock.now - start).inSeconds
        return heard.withLock { heard in
            if let (status, type) = heard.refused { return .refused(status, type: type) }
            if let again = heard.again { return .spokeAgain((again - start).inSeconds) }
            if let reason = heard.ended { return .ended(seconds, reason: reason) }
            return heard.began ? .spoke(once: seconds) : .silent(seconds)
        }
    }

    private func listen(_ heard: Locked<Heard>) async {
        do {
            let answer = try await HTTPClient.shared.execute(request, deadline: .distantFuture)
            let type = answer.headers.first(name: "content-type") ?? ""
            guard answer.status == .ok, type.hasPrefix("text/event-stream") else {
                return heard.withLock { $0.refused = (answer.status.code, type) }
            }
            var first: ContinuousClock.Instant?
            for try await part in answer.body where part.readableBytes > 0 {
                let now = ContinuousClock.now
                // The beginning may come in several parts.
                guard let first, now - first > .milliseconds(500) else {
                    first = first ?? now
                    heard.withLock { $0.began = true }
                    continue
                }
                return heard.withLock { $0.again = now }
            }
            heard.withLock { $0.ended = .some(nil) }
        } catch {
            guard !Task.isCancelled else { return }
            heard.withLock { $0.ended = .some(NetworkProblem.sentence(error)) }
        }
    }
}
