import DoorbellCore
import NIOCore
import NIOHTTP1

/// An answer that the server gives itself.
struct LocalAnswer {
    var status: HTTPResponseStatus
    var headers: HTTPHeaders
    var body: [UInt8]

    init(_ status: HTTPResponseStatus, headers: HTTPHeaders = HTTPHeaders(), body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    func adding(_ headers: HTTPHeaders) -> LocalAnswer {
        var answer = self
        answer.headers.add(contentsOf: headers)
        return answer
    }

    /// Problem details (RFC 9457).
    static func problem(
        _ status: HTTPResponseStatus, _ detail: String, headers: HTTPHeaders = HTTPHeaders()
    ) -> LocalAnswer {
        var body: [UInt8] = []
        body += Array(#"{"type":"about:blank","title":"#.utf8)
        JSONWriter.string(status.reasonPhrase, to: &body)
        body += Array(#","status":"#.utf8)
        JSONWriter.integer(status.code, to: &body)
        body += Array(#","detail":"#.utf8)
        JSONWriter.string(detail, to: &body)
        body += Array("}\n".utf8)
        var headers = headers
        headers.replaceOrAdd(name: "content-type", value: "application/problem+json")
        headers.replaceOrAdd(name: "cache-control", value: "no-store")
        return LocalAnswer(status, headers: headers, body: body)
    }

    /// `reasons` empty: 200.
    static func health(_ name: String, reasons: [String]) -> LocalAnswer {
        var body = Array(#"{"status":"#.utf8)
        JSONWriter.string(reasons.isEmpty ? name : "not \(name)", to: &body)
        body += Array(#","reasons":["#.utf8)
        for (index, reason) in reasons.enumerated() {
            if index > 0 { body.append(0x2C) }
            JSONWriter.string(reason, to: &body)
        }
        body += Array("]}\n".utf8)
        return LocalAnswer(
            reasons.isEmpty ? .ok : .serviceUnavailable,
            headers: ["content-type": "application/json", "cache-control": "no-store"], body: body)
    }
}
