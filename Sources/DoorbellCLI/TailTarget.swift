import ArgumentParser
import Doorbell
import DoorbellClient
import Foundation

/// What `doorbell tail` was asked for: which socket, and what to subscribe to there.
struct TailTarget {
    let socket: String
    let target: DoorbellSession.Target
    /// Whether it is the service of the configuration, reached by an address of this machine that no certificate names.
    let isOwn: Bool

    /// - Parameter configuration: Of the service, for a text without a host; asked for only then.
    init(_ text: String, configuration: () throws -> Configuration) throws {
        if let scheme = text.range(of: "://") {
            let rest = text[scheme.upperBound...]
            let end = rest.firstIndex(of: "/") ?? rest.endIndex
            let secure = ["https", "wss"].contains(text[..<scheme.lowerBound].lowercased())
            guard secure || ["http", "ws"].contains(text[..<scheme.lowerBound].lowercased()), !rest[..<end].isEmpty
            else {
                throw ValidationError("'\(text)' is not a URL that can be tailed; use http or https")
            }
            socket = "\(secure ? "wss" : "ws")://\(rest[..<end])/_doorbell/ws"
            target = .poll(end == rest.endIndex ? "/" : String(rest[end...]))
            isOwn = false
        } else {
            let configuration = try configuration()
            socket = "\(configuration.tls == nil ? "ws" : "wss")://\(configuration.listen.reachable)/_doorbell/ws"
            isOwn = true
            target = text.hasPrefix("/") ? .poll(text) : .channel(text)
        }
    }
}
