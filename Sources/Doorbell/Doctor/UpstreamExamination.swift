import AsyncHTTPClient
import DoorbellClient
import DoorbellCore
import NIOCore
import NIOHTTP1

/// Whether the legacy API answers.
enum UpstreamExamination {
    static func finding(url: String, client: HTTPClient = .shared, timeout: TimeAmount = .seconds(10)) async -> Finding
    {
        let id = "legacy.reachable"
        let began = ContinuousClock.now
        do {
            var request = HTTPClientRequest(url: url + "/")
            request.method = .HEAD
            let answer = try await client.execute(request, timeout: timeout)
            let took = (ContinuousClock.now - began) / .milliseconds(1)
            let text = "the legacy API at \(url) answers (\(answer.status.code) after \(Int(took)) ms)"
            guard answer.status.code >= 500 else { return .ok(id, text) }
            return .warn(
                id, text, why: "Polls are passed on to it, and it is asked whether somebody may subscribe.",
                mend: "An error at / may be its own way; look at its log.")
        } catch {
            return .fail(
                id, "the legacy API at \(url) does not answer: \(NetworkProblem.sentence(error))",
                why: "Polls are passed on to it, and it is asked whether somebody may subscribe.",
                mend: "Is it running, and is `upstream` its address as seen from here?")
        }
    }
}
