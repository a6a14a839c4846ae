import Hummingbird

/// Lets nobody read who may not.
struct AdminReadGuard<Context: RequestContext>: RouterMiddleware {
    let access: AdminAccess

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        _ = try access.read(request.access).get()
        return try await next(request, context)
    }
}

extension AdminAccess.Decision {
    /// Whether the token was shown.
    ///
    /// - Throws: ``AdminAccess/Refusal``.
    func get() throws(AdminAccess.Refusal) -> Bool {
        switch self {
        case .allowed(let hasToken): return hasToken
        case .refused(let refusal): throw refusal
        }
    }
}

extension Request {
    /// What ``AdminAccess`` looks at.
    var access: AdminAccess.Request {
        AdminAccess.Request(
            host: head.authority, origin: headers[.origin],
            fetchSite: HTTPFields.Element.Name("Sec-Fetch-Site").flatMap { headers[$0] },
            authorization: headers[.authorization],
            contentType: headers[.contentType])
    }
}
