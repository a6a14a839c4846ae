import DoorbellDashboard
import Hummingbird

/// The dashboard's files. They hold no figures, so whoever reaches the port may have them.
extension AdminService {
    func addDashboard(to router: Router<BasicRequestContext>) {
        router.get("/") { _, _ in Self.redirect(to: "dashboard/") }
        router.get("/dashboard") { request, _ in
            // Its files are named relative to it, so that it works behind a proxy's prefix.
            request.uri.path.hasSuffix("/")
                ? try Self.file("index.html", for: request) : Self.redirect(to: "dashboard/")
        }
        router.get("/dashboard/:file") { request, context in
            try Self.file(context.parameters.get("file") ?? "", for: request)
        }
    }

    private static func redirect(to path: String) -> Response {
        Response(status: .found, headers: [.location: path, .cacheControl: "no-store"])
    }

    private static func file(_ name: String, for request: Request) throws -> Response {
        guard let file = DashboardFiles.all[name] else { throw HTTPError(.notFound) }
        let headers: HTTPFields = [.eTag: file.entityTag, .cacheControl: "no-cache"]
        if request.headers[.ifNoneMatch] == file.entityTag { return Response(status: .notModified, headers: headers) }
        var response = Response(status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: file.bytes)))
        response.headers[.contentType] = file.contentType
        return response
    }
}
