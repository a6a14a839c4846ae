import DoorbellAuth
import DoorbellCore
import NIOCore
import NIOHTTP1

/// Says who sends a request that wants to be told of changes, and whether it may go on. Requests that are for the legacy API
/// alone do not come here.
final class Doorkeeper: Sendable {
    let authentication: Authentication?
    let ticketLifetime: Duration
    private let source: TokenSource
    private let tickets: Locked<TicketStore<TicketGrant>>
    private let now: @Sendable () -> Timestamp

    init(_ authentication: Authentication?, tickets: TicketConfiguration, now: @escaping @Sendable () -> Timestamp) {
        self.authentication = authentication
        ticketLifetime = tickets.lifetime
        var places = authentication?.places ?? TokenSourceConfiguration()
        if authentication == nil { places.readsTokens = false }
        source = TokenSource(places)
        self.tickets = Locked(TicketStore(tickets))
        self.now = now
    }

    /// Looks for what shows who sent the request.
    ///
    /// - Parameter poll: The polled URL that it is on; `nil` under `/_doorbell/`.
    /// - Throws: ``AccessRefusal/malformed(_:)``.
    func request(
        _ head: HTTPRequestHead, poll: FeatureCatalog.Poll?, mayAuthenticateLater: Bool = false
    ) throws(AccessRefusal) -> AccessRequest {
        do throws(TokenSource.Refusal) {
            let found = try source.find(headers: head.headers, target: head.uri)
            return AccessRequest(
                credential: found.credential, target: found.legacyTarget,
                headers: WebSocketUpgrade.asking(head.headers), poll: poll,
                mayAuthenticateLater: mayAuthenticateLater && authentication != nil)
        } catch {
            throw .malformed(error)
        }
    }

    /// - Returns: On `loop`, at once where no keys have to be waited for. Fails with ``AccessRefusal``.
    func admit(_ request: AccessRequest, on loop: any EventLoop) -> EventLoopFuture<Visitor> {
        switch request.credential {
        case .none:
            return loop.makeCompletedFuture { try visitor(nil, request.headers, for: request).get() }
        case .ticket(let ticket):
            return loop.makeCompletedFuture {
                let grant = try redeem(ticket).get()
                return try visitor(grant.identity, grant.applied(to: request.headers), for: request).get()
            }
        case .token(let token, let place):
            // Not looked for without a verifier.
            guard let verifier = authentication?.verifier else {
                return loop.makeFailedFuture(AccessRefusal.missing)
            }
            var headers = request.headers
            if place != .cookie { headers.bear(token) }
            return verifier.verify(token, now: now(), on: loop)
                .flatMapErrorThrowing { throw ($0 as? TokenError).map(AccessRefusal.token) ?? $0 }
                .flatMapResult { [headers] in self.visitor($0, headers, for: request) }
        }
    }

    // MARK: Tickets

    /// - Returns: `nil` when the caller's credentials are too long to be kept.
    func ticket(for visitor: Visitor) -> String? {
        guard let grant = TicketGrant(visitor.standing.identity, headers: visitor.headers) else { return nil }
        return tickets.withLock { $0.issue(grant, now: now()) }
    }

    private func redeem(_ ticket: String) -> Result<TicketGrant, AccessRefusal> {
        let now = now()
        guard case .granted(let grant) = tickets.withLock({ $0.redeem(ticket, now: now) }),
            grant.identity.map({ now < $0.expiresAt }) ?? true
        else { return .failure(.ticket) }
        return .success(grant)
    }

    // MARK: Deciding

    /// Where claims decide about the URL that the request is on they do so here, before anything is opened.
    private func visitor(
        _ identity: Identity?, _ headers: HTTPHeaders, for request: AccessRequest
    ) -> Result<Visitor, AccessRefusal> {
        if let poll = request.poll, let refusal = Self.refusal(identity, poll) { return .failure(refusal) }
        let standing: Session.Standing
        if let identity {
            standing = .known(identity)
        } else if let authentication, authentication.isRequired, request.poll?.feature.authorize != .public {
            guard request.mayAuthenticateLater else { return .failure(.missing) }
            standing = .awaited(until: now().advanced(by: authentication.deadline))
        } else {
            standing = authentication == nil ? .unasked : .anonymous
        }
        return .success(Visitor(standing: standing, headers: headers))
    }

    private static func refusal(_ identity: Identity?, _ poll: FeatureCatalog.Poll) -> AccessRefusal? {
        for channel in poll.channels {
            switch ChannelRights.decide(poll.feature, channel, identity) {
            case .allowed, .ask: continue
            case .refused(.unauthenticated): return .missing
            case .refused(let refusal): return .forbidden(refusal)
            }
        }
        return nil
    }
}
