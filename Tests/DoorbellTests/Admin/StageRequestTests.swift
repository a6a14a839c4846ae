import DoorbellCore
import Foundation
import Testing

@testable import Doorbell

/// The body of `POST /stages/{feature}`.
@Suite struct StageRequestTests {
    private func read(_ json: String) throws -> StageRequest { try StageRequest(json: Data(json.utf8)) }

    private func complaint(_ json: String) -> String {
        do {
            return "no complaint: \(try read(json))"
        } catch let error as DoorbellError {
            return error.message
        } catch {
            return "\(error)"
        }
    }

    @Test("a step is read with who asks for it, where, and what they saw")
    func good() throws {
        let step = try read(#"{"stage":"canary","percent":12.5,"why":"begin","by":" Ann ","revision":7}"#)
        #expect(step.stage == .canary && step.percent == Percent("12.5") && step.why == "begin")
        #expect(step.who == "Ann (dashboard)" && step.revision == 7)
        let short = try read(#"{"percent":5,"why":""}"#)
        #expect(short.stage == nil && short.percent == Percent("5") && short.why == nil)
        #expect(short.who == "dashboard" && short.revision == nil)
    }

    @Test(
        "what makes no sense is said so",
        arguments: [
            ("", "the body is not what is expected"), ("[]", "the body is not what is expected"),
            (#"{"stage":5}"#, "the body is not what is expected"), ("{}", "neither a stage nor a percentage is named"),
            (#"{"stage":"pushh"}"#, "'pushh' is not a stage"), (#"{"percent":101}"#, "101.0 is not a percentage"),
            (#"{"percent":-1}"#, "-1.0 is not a percentage"), (#"{"percent":0.001}"#, "0.001 is not a percentage"),
            (#"{"percent":1e300}"#, "1e+300 is not a percentage"),
        ])
    func bad(_ json: String, _ expected: String) { #expect(complaint(json) == expected) }

    @Test("a reason and a name have bounds")
    func long() {
        let text = String(repeating: "x", count: StageChange.maximumWhy + 1)
        #expect(complaint("{\"stage\":\"push\",\"why\":\"\(text)\"}") == "the reason or the name is too long")
        #expect(complaint("{\"stage\":\"push\",\"by\":\"\(text)\"}") == "the reason or the name is too long")
    }
}
