import DoorbellWire
import NIOCore
import NIOHTTP1

extension PollVerdict {
    /// - Parameter maximumSnapshot: Bytes; a longer body is no snapshot.
    init(_ result: Result<PollAnswer, any Error>, maximumSnapshot: Int) {
        switch result {
        case .success(let answer):
            self = .status(Int(answer.status.code), snapshot: Self.snapshot(of: answer, limit: maximumSnapshot))
        case .failure(let error):
            self = .unavailable((error as? GatewayFailure)?.reason ?? "the legacy API did not answer")
        }
    }

    private static func snapshot(of answer: PollAnswer, limit: Int) -> ServerMessage.Snapshot? {
        // Compressed although nobody asked for it: not something to pass on as text.
        let coding = answer.headers.first(name: "content-encoding")?.lowercased() ?? "identity"
        guard let body = answer.body, body.readableBytes <= limit, coding == "identity" else { return nil }
        return ServerMessage.Snapshot(
            status: Int(answer.status.code), etag: EntityTag.of(answer),
            answer: Array(body.readableBytesView))
    }
}
