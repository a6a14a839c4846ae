import DoorbellCore
public import NIOHTTP1

/// Finds the token of a handshake. Pure.
///
/// Places, in the order in which the first counts: `Authorization: Bearer`, the configured cookie, the subprotocol
/// `bearer.<token>` beside `doorbell.v1`, `?ticket=`, and `?token=` where it is allowed. All of them are looked at: two
/// credentials that differ are refused, because whoever put one of them there did not mean the other.
public struct TokenSource: Sendable {
    public let configuration: TokenSourceConfiguration

    /// The subprotocol that a token may stand beside.
    static let subprotocol = "doorbell.v1"
    static let bearerPrefix = "bearer."

    public init(_ configuration: TokenSourceConfiguration = TokenSourceConfiguration()) {
        self.configuration = configuration
    }

    /// What a request brings. Its description does not show credentials.
    public struct Found: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
        public let credential: Credential
        /// The request target for logs: values of `ticket` and `token` are replaced, whether or not they are looked at.
        public let loggedTarget: String
        /// The request target for the legacy API: without what was for Doorbell, otherwise byte for byte.
        public let legacyTarget: String
        /// The subprotocols that the client offers, without the token.
        public let subprotocols: [String]

        public var description: String { "\(credential) in \(loggedTarget)" }
        public var debugDescription: String { description }
        public var customMirror: Mirror { Mirror(self, children: ["loggedTarget": loggedTarget]) }
    }

    public enum Credential: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
        case none
        case token(String, Place)
        /// For ``TicketStore/redeem(_:now:)``.
        case ticket(String)

        public var description: String {
            switch self {
            case .none: "no token"
            case .token(_, let place): "a token in \(place.rawValue)"
            case .ticket: "a ticket"
            }
        }
        public var debugDescription: String { description }
        public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
    }

    public enum Place: String, Hashable, Sendable, CaseIterable {
        case authorization = "the Authorization header"
        case cookie = "the cookie"
        case subprotocol = "the subprotocol"
        case query = "the query"
    }

    /// Why a request is refused with 400. Holds nothing of the request.
    public enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        /// Two credentials that differ.
        case conflict
        /// What stands in this place is not a token.
        case malformed(Place)
        /// Longer than ``TokenSourceConfiguration/maximumTokenSize``.
        case tooLong(Place)
        case malformedTicket
        /// `bearer.<token>` without `doorbell.v1`: there would be no subprotocol to answer with but the token.
        case subprotocolAlone

        public var description: String {
            switch self {
            case .conflict: "the request carries two credentials that differ"
            case .malformed(let place): "what stands in \(place.rawValue) is not a token"
            case .tooLong(let place): "the token in \(place.rawValue) is too long"
            case .malformedTicket: "this is not a ticket"
            case .subprotocolAlone: "offer the subprotocol 'doorbell.v1' beside the one with the token"
            }
        }
    }

    /// - Parameter target: Path and query, as on the request line.
    public func find(headers: HTTPHeaders, target: String) throws(Refusal) -> Found {
        let offered = headers[canonicalForm: "sec-websocket-protocol"].map(String.init)
        let query = RequestQuery(
            target, readsToken: configuration.readsTokens && configuration.allowsQueryToken)
        let tokens = configuration.readsTokens ? try tokens(headers, offered, query) : []
        // Compared by bytes; what was checked is ASCII.
        let credentials = Set(tokens.map(\.text)).count + Set(query.tickets).count
        guard credentials <= 1 else { throw .conflict }
        let credential: Credential
        if let token = tokens.first {
            credential = .token(token.text, token.place)
        } else if let ticket = query.tickets.first {
            guard Ticket.isWellFormed(ticket) else { throw .malformedTicket }
            credential = .ticket(ticket)
        } else {
            credential = .none
        }
        return Found(
            credential: credential, loggedTarget: query.loggedTarget, legacyTarget: query.legacyTarget,
            subprotocols: offered.filter { !Self.isBearer($0) })
    }

    // MARK: Places

    private func tokens(
        _ headers: HTTPHeaders, _ offered: [String], _ query: RequestQuery
    ) throws(Refusal) -> [(text: String, place: Place)] {
        var tokens: [(text: String, place: Place)] = []
        if let text = try Self.bearer(headers) { tokens.append((text, .authorization)) }
        if let name = configuration.cookie {
            let values = CookieHeader.values(of: name, in: headers["cookie"]).filter { !$0.isEmpty }
            tokens += values.map { ($0, .cookie) }
        }
        let bearers = offered.filter(Self.isBearer)
        tokens += bearers.map { (String($0.dropFirst(Self.bearerPrefix.count)), .subprotocol) }
        if !bearers.isEmpty, !offered.contains(Self.subprotocol) {
            throw .subprotocolAlone
        }
        tokens += query.tokens.map { ($0, .query) }
        for token in tokens { try check(token.text, token.place) }
        return tokens
    }

    /// Other schemes than `Bearer` are the legacy API's business.
    private static func bearer(_ headers: HTTPHeaders) throws(Refusal) -> String? {
        let values = headers["authorization"]
        guard let value = values.first else { return nil }
        let words = value.utf8.split(separator: 0x20)
        guard let scheme = words.first, String(Substring(scheme)).lowercased() == "bearer" else {
            // A second header could be read by somebody else.
            guard values.count == 1 || !values.contains(where: { $0.lowercased().hasPrefix("bearer") }) else {
                throw .malformed(.authorization)
            }
            return nil
        }
        guard values.count == 1, words.count == 2 else { throw .malformed(.authorization) }
        return String(Substring(words[1]))
    }

    private static func isBearer(_ subprotocol: String) -> Bool { subprotocol.hasPrefix(bearerPrefix) }

    private func check(_ token: String, _ place: Place) throws(Refusal) {
        guard token.utf8.count <= configuration.maximumTokenSize else { throw .tooLong(place) }
        guard !token.isEmpty, token.utf8.allSatisfy(Self.isTokenByte) else { throw .malformed(place) }
    }

    /// What a bearer token is made of (RFC 6750, section 2.1).
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x2D, 0x2E, 0x5F, 0x7E, 0x2B, 0x2F, 0x3D: true
        default: false
        }
    }
}
