import DoorbellCore
import Foundation

/// A step that somebody asks for on the admin port: the body of `POST /stages/{feature}`. Pure.
struct StageRequest: Equatable {
    /// Bytes.
    static let maximumBody = 16 << 10

    /// `nil`: only the percentage of one that is in canary.
    var stage: Stage?
    var percent: Percent?
    var why: String?
    var who: String
    /// The revision that the person saw; `nil`: whatever is there.
    var revision: Int64?

    private struct Body: Decodable {
        let stage: String?
        let percent: Double?
        let why: String?
        let by: String?
        let revision: Int64?
    }

    /// - Throws: ``DoorbellError`` with code `usage`.
    init(json: Data) throws(DoorbellError) {
        let body: Body
        do {
            body = try JSONDecoder().decode(Body.self, from: json)
        } catch {
            throw DoorbellError(
                .usage, "the body is not what is expected",
                hint: #"Send {"stage": "canary", "percent": 5, "why": "…", "by": "…"}."#)
        }
        if let text = body.stage {
            guard let known = Stage(rawValue: text) else {
                let all = Stage.allCases.map(\.rawValue)
                throw DoorbellError(
                    .usage, "'\(text.prefix(40))' is not a stage", hint: "Use one of \(all.joined(separator: ", ")).")
            }
            stage = known
        }
        if let number = body.percent {
            let hundredths = (number * 100).rounded()
            guard (0...100).contains(number), abs(hundredths - number * 100) < 1e-6,
                let exact = Percent(hundredths: Int(hundredths))
            else {
                throw DoorbellError(
                    .usage, "\(number) is not a percentage", hint: "Use 0 to 100 with at most two decimals.")
            }
            percent = exact
        }
        guard stage != nil || percent != nil else {
            throw DoorbellError(.usage, "neither a stage nor a percentage is named", hint: "Name the one to move to.")
        }
        why = body.why.flatMap { $0.isEmpty ? nil : $0 }
        let name = (body.by ?? "").trimmingCharacters(in: .whitespaces)
        who = name.isEmpty ? Self.place : "\(name) (\(Self.place))"
        revision = body.revision
        guard (why ?? "").utf8.count <= StageChange.maximumWhy, who.utf8.count <= StageChange.maximumWho else {
            throw DoorbellError(
                .usage, "the reason or the name is too long",
                hint: "A reason has at most \(StageChange.maximumWhy) bytes, a name \(StageChange.maximumWho).")
        }
    }

    /// Where it was asked for, in the audit log.
    private static let place = "dashboard"
}
