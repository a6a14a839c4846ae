import DoorbellAuth
import NIOHTTP1

/// What a request brings along to show who sent it, and what it wants to listen to.
struct AccessRequest {
    let credential: TokenSource.Credential
    /// Path and query, without what was for Doorbell.
    let target: String
    /// The request's own headers, as far as they concern the legacy API.
    let headers: HTTPHeaders
    /// The polled URL that the request is on; `nil` under `/_doorbell/`.
    let poll: FeatureCatalog.Poll?
    /// Whether a token may still come as a message.
    let mayAuthenticateLater: Bool
}
