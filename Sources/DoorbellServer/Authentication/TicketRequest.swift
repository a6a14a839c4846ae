import DoorbellAuth
import DoorbellCore
import NIOHTTP1

/// `POST /_doorbell/ticket`: a client that can send headers here gets what it can put into the URL of a handshake.
struct TicketRequest {
    let access: AccessRequest
    /// For pages of other origins that are allowed.
    let accessControl: HTTPHeaders

    /// What is done when the request has ended: the ticket, or a refusal.
    static func check(_ head: HTTPRequestHead, isTLS: Bool, core: ServerCore) -> Exchange.AtEnd {
        let accessControl: HTTPHeaders
        switch AccessControl.headers(for: head.headers, isTLS: isTLS, core.configuration) {
        case .failure(let refused): return .answer(refused.answer)
        case .success(let headers): accessControl = headers
        }
        do throws(AccessRefusal) {
            let access = try core.doorkeeper.request(head, poll: nil)
            // One ticket would last for ever by being changed for the next.
            if case .ticket = access.credential {
                return .answer(.problem(.badRequest, "a ticket cannot be had for a ticket", headers: accessControl))
            }
            // Whoever has nothing to show needs no ticket, and could take the places of others'.
            let hasCredentials = ["authorization", "cookie"].contains { access.headers.contains(name: $0) }
            if case .none = access.credential, !hasCredentials, core.doorkeeper.authentication?.isRequired != true {
                return .answer(
                    .problem(
                        .badRequest, "a ticket stands for a token or a cookie, and this request has neither",
                        headers: accessControl))
            }
            return .ticket(TicketRequest(access: access, accessControl: accessControl))
        } catch {
            return .answer(error.answer.adding(accessControl))
        }
    }

    func answer(_ visitor: Visitor, _ doorkeeper: Doorkeeper) -> LocalAnswer {
        guard let ticket = doorkeeper.ticket(for: visitor) else {
            return .problem(
                .requestHeaderFieldsTooLarge,
                "Authorization and Cookie together may have \(TicketGrant.maximumSize) bytes here",
                headers: accessControl)
        }
        var body = Array(#"{"ticket":"#.utf8)
        JSONWriter.string(ticket, to: &body)
        body += Array(#","expiresIn":"#.utf8)
        JSONWriter.integer(UInt(doorkeeper.ticketLifetime.components.seconds), to: &body)
        body += Array("}\n".utf8)
        let headers: HTTPHeaders = ["content-type": "application/json", "cache-control": "no-store"]
        return LocalAnswer(.ok, headers: headers, body: body).adding(accessControl)
    }
}
