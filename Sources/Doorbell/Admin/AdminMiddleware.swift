import DoorbellCore
import Hummingbird

/// What every answer of the admin port says to browsers, and failures as JSON.
struct AdminMiddleware<Context: RequestContext>: RouterMiddleware {
    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            response = try await next(request, context)
        } catch let refusal as AdminAccess.Refusal {
            response = .failure(refusal.status, refusal.code, refusal.message, refusal.hint)
            if refusal.status == 401 { response.headers[.wwwAuthenticate] = "Bearer realm=\"doorbell admin\"" }
        } catch let error as DoorbellError {
            response = .failure(error.code.status, error.code.description, error.message, error.hint)
        } catch let error as HTTPError where error.status == .notFound {
            response = .failure(404, "not_found", "there is nothing here", "The dashboard is at /dashboard/.")
        }
        for (name, value) in AdminHeaders.all { response.headers[name] = value }
        return response
    }
}

/// Only files of ours, no frames, nothing from text to code, and no word to other sites.
private enum AdminHeaders {
    static let all: [(HTTPFields.Element.Name, String)] = [
        (
            "Content-Security-Policy",
            "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; "
                + "require-trusted-types-for 'script'; trusted-types 'none'"
        ),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ].compactMap { name, value in HTTPFields.Element.Name(name).map { ($0, value) } }
}

extension DoorbellError.Code {
    fileprivate var status: Int {
        switch self {
        case .usage: 400
        case .conflict: 409
        default: 503
        }
    }
}

extension Response {
    static func text(_ text: String, type: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: type, .cacheControl: "no-store"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    static func json(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        .text(text, type: "application/json", status: status)
    }

    /// `{"error":{"code":…,"message":…,"hint":…}}`
    static func failure(_ status: Int, _ code: String, _ message: String, _ hint: String?) -> Response {
        var json = Array(#"{"error":{"code":"#.utf8)
        JSONWriter.string(code, to: &json)
        json += Array(#","message":"#.utf8)
        JSONWriter.string(message, to: &json)
        json += Array(#","hint":"#.utf8)
        JSONWriter.string(orNull: hint, to: &json)
        json += Array("}}\n".utf8)
        return .json(String(decoding: json, as: UTF8.self), status: .init(code: status))
    }
}
