public import DoorbellAuth

/// How clients say who they are by a token.
///
/// Without it `Authorization`, cookies and subprotocols are not looked at: they are the legacy API's business, which is asked with them.
public struct Authentication: Sendable {
    public var verifier: TokenVerifier
    /// Where a request may carry its token.
    public var places = TokenSourceConfiguration()
    /// Whether everybody who wants to be told anything needs a token, but on the polled URL of a public feature. Default `false`: only
    /// features that are authorised by claims need one.
    public var isRequired = false
    /// How long a WebSocket may be open without a token where one is required; past it, it is closed with 4500. Only
    /// `/_doorbell/ws` opens one at all. Default 10 s.
    public var deadline: Duration = .seconds(10)

    public init(verifier: TokenVerifier) { self.verifier = verifier }
}
