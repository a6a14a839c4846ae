/// Who may do what on the admin port. Pure.
///
/// Three dangers: somebody on the network, where it listens beyond this machine; a page of somebody else in the operator's browser, which
/// can send requests here but neither a token nor a JSON body unasked; and a name of theirs that suddenly means this machine (DNS
/// rebinding), which makes their page one of ours to the browser. Addresses cannot be rebound, names can.
struct AdminAccess: Sendable {
    /// What of a request is looked at.
    struct Request: Sendable, Equatable {
        /// `Host`, or `:authority`.
        var host: String?
        var origin: String?
        /// `Sec-Fetch-Site`: only browsers send it, and they send the truth.
        var fetchSite: String?
        var authorization: String?
        var contentType: String?
    }

    enum Decision: Sendable, Equatable {
        /// - Parameter hasToken: Whether it was shown: only then may messages be seen.
        case allowed(hasToken: Bool)
        case refused(Refusal)
    }

    struct Refusal: Error, Sendable, Equatable {
        let status: Int
        /// A word for programs.
        let code: String
        let message: String
        let hint: String
    }

    let address: ListenAddress
    let token: AdminToken?

    /// Whether figures may be read.
    func read(_ request: Request) -> Decision {
        if let site = request.fetchSite?.lowercased(), site != "same-origin", site != "none" {
            return .refused(.otherSite)
        }
        if token != nil, let authorization = request.authorization { return check(authorization) }
        guard address.isLoopback else { return .refused(token == nil ? .closed : .tokenMissing) }
        return isOwn(request.host) ? .allowed(hasToken: false) : .refused(.unknownHost(address))
    }

    /// Whether something may be changed.
    func act(_ request: Request) -> Decision {
        guard token != nil else { return .refused(.readOnly) }
        if let site = request.fetchSite?.lowercased(), site != "same-origin", site != "none" {
            return .refused(.otherSite)
        }
        if let origin = request.origin?.lowercased() {
            let host = request.host?.lowercased() ?? ""
            guard origin == "http://" + host || origin == "https://" + host else { return .refused(.otherSite) }
        }
        guard let authorization = request.authorization else { return .refused(.tokenMissing) }
        let decision = check(authorization)
        guard case .allowed = decision else { return decision }
        let type = request.contentType?.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        return type == "application/json" ? decision : .refused(.notJSON)
    }

    private func check(_ authorization: String) -> Decision {
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer", let token, token.matches(parts[1]) else {
            return .refused(token == nil ? .readOnly : .wrongToken)
        }
        return .allowed(hasToken: true)
    }

    /// Whether the browser cannot have been led here by a name of somebody else.
    private func isOwn(_ host: String?) -> Bool {
        guard var name = host?.lowercased()[...] else { return false }
        if name.hasPrefix("[") {
            return name.dropFirst().prefix { $0 != "]" }.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
        }
        name = name.prefix { $0 != ":" }
        if name == "localhost" || name == address.host.lowercased() { return true }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}

extension AdminAccess.Refusal {
    private static let how =
        "Set 'admin: { token: ${ADMIN_TOKEN} }' in the configuration, or DOORBELL_ADMIN_TOKEN, and start the service again."

    static let otherSite = Self(
        status: 403, code: "other_site", message: "pages of other sites may not use the admin port",
        hint: "Open the dashboard on the admin port itself.")
    static let closed = Self(
        status: 403, code: "no_token_configured",
        message:
            "this port can be reached from beyond this machine and has no token, so it shows metrics and health only",
        hint: how)
    static let readOnly = Self(
        status: 403, code: "no_token_configured",
        message: "nothing can be changed here, because there is no admin token",
        hint: how)
    static let tokenMissing = Self(
        status: 401, code: "token_missing", message: "this needs the admin token",
        hint: "Send it as 'Authorization: Bearer …'.")
    static let wrongToken = Self(
        status: 401, code: "wrong_token", message: "this is not the admin token",
        hint: "It is what the configuration has under 'admin.token', or DOORBELL_ADMIN_TOKEN.")
    static let notJSON = Self(
        status: 415, code: "not_json", message: "the body has to be JSON",
        hint: "Send it with 'Content-Type: application/json'.")

    static func unknownHost(_ address: ListenAddress) -> Self {
        Self(
            status: 403, code: "unknown_host", message: "this name is not the admin port's",
            hint: "Use http://\(address.reachable), or send the admin token.")
    }
}
