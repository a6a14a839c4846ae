import DoorbellCore
import Foundation
import Hummingbird
import Logging
import NIOCore
import NIOPosix

/// Where features stand: the log of it, and moving one.
extension AdminService {
    func addStages(to router: Router<BasicRequestContext>) {
        router.group().add(middleware: AdminReadGuard(access: access)).get("/stages/history") { request, _ in
            let (feature, limit) = (request.value("feature"), Self.limit(of: request))
            if let feature { try known(feature) }
            return Response.json(
                try await Self.blocking { () throws(DoorbellError) in
                    StageJSON.text(try view.stages.records(of: feature, limit: limit))
                })
        }
        router.post("/stages/:feature") { request, context in
            _ = try access.act(request.access).get()
            let feature = context.parameters.get("feature") ?? ""
            try known(feature)
            let body = try await request.body.collect(upTo: StageRequest.maximumBody)
            let step = try StageRequest(json: Data(body.readableBytesView))
            let (before, after) = try await Self.blocking { () throws(DoorbellError) in
                try view.stages.move(
                    feature, to: step.stage, percent: step.percent, who: step.who, why: step.why,
                    expected: step.revision)
            }
            logger.notice(
                "a feature was moved on the admin port",
                metadata: [
                    "doorbell.feature": "\(feature)", "doorbell.from": "\(before)",
                    "doorbell.to": "\(after.rollout)", "doorbell.by": "\(step.who)",
                ])
            return Response.json(StageJSON.text(after, nil))
        }
    }

    private func known(_ feature: String) throws {
        do {
            try view.stages.check(feature)
        } catch {
            throw AdminAccess.Refusal(
                status: 404, code: "unknown_feature", message: error.message, hint: error.hint ?? "")
        }
    }

    /// The database is asked by libpq, which waits: on a thread where that holds nobody up. There are as many as processors, so that is also
    /// how many connections people can make it open.
    private static func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws(DoorbellError) -> Value
    ) async throws -> Value {
        try await NIOThreadPool.singleton.runIfActive { try body() }
    }
}
