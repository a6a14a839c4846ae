import Doorbell
import DoorbellClient
import DoorbellCore

/// What `doorbell tail` was asked for: which socket, and what to subscribe to there.
struct TailTarget {
    let socket: String
    let target: DoorbellSession.Target
    /// Whether it is the service of the configuration, reached by an address of this machine that no certificate names.
    let isOwn: Bool

    /// What to look at when nobody answers there as Doorbell does.
    var question: String {
        "Is 'doorbell serve' running there\(socket.hasPrefix("wss:") ? ", and does it speak TLS on this port" : "")?"
    }

    /// - Parameter configuration: Of the service, for a text without a host; asked for only then.
    /// - Throws: ``DoorbellError`` with code `usage`, which does not repeat what may be a password.
    init(_ text: String, configuration: () throws -> Configuration) throws {
        if let scheme = text.firstRange(of: "://") {
            let rest = text[scheme.upperBound...]
            let authority = rest.prefix { !"/?#".contains($0) }
            let secure = ["https", "wss"].contains(text[..<scheme.lowerBound].lowercased())
            guard secure || ["http", "ws"].contains(text[..<scheme.lowerBound].lowercased()) else {
                throw DoorbellError(
                    .usage, "\(text[..<scheme.lowerBound]) is not a kind of URL that can be tailed",
                    hint: "Use http or https.")
            }
            do {
                _ = try URLAuthority(authority)
            } catch {
                throw DoorbellError(
                    .usage, "the URL \(error)", hint: "Write it like http://127.0.0.1:8080/api/orders/42.")
            }
            socket = "\(secure ? "wss" : "ws")://\(authority)/_doorbell/ws"
            let path = rest.dropFirst(authority.count)
            target = .poll(path.hasPrefix("/") ? String(path) : "/\(path)")
            isOwn = false
        } else {
            let configuration = try configuration()
            socket = "\(configuration.tls == nil ? "ws" : "wss")://\(configuration.listen.reachable)/_doorbell/ws"
            isOwn = true
            target = text.hasPrefix("/") ? .poll(text) : .channel(text)
        }
    }
}
