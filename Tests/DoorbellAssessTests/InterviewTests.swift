import DoorbellCore
import Testing

@testable import DoorbellAssess

/// What a person answers decides what is written.
@Suite struct InterviewTests {
    private struct Script: Asking {
        var answers: [String]
        var heard: [String] = []

        mutating func ask(_ question: String) -> String? {
            heard.append(question)
            return answers.isEmpty ? nil : answers.removeFirst()
        }

        mutating func say(_ text: String) { heard.append(text) }
    }

    private let proposal = Proposal(["/a", "/b", "/c"].map { PolledEndpoint(route: $0) }, database: nil)

    private func taken(_ answers: String...) -> [String] {
        var interview = Interview(Script(answers: answers))
        return ((try? interview.choose(proposal)) ?? proposal).features.map(\.name)
    }

    private func refusal(_ answers: String...) -> String? {
        var interview = Interview(Script(answers: answers))
        return #expect(throws: DoorbellError.self) { try interview.choose(proposal) }?.message
    }

    @Test func `each feature is taken or not`() {
        #expect(taken("y", "n", "") == ["a", "c"])
        #expect(taken("n", "a") == ["b", "c"])
        #expect(taken("  YES ", "what?", "no", "n") == ["a"])
    }

    @Test func `nothing is written when it ends early or nothing is taken`() {
        #expect(refusal("y", "q") == "stopped; nothing was written")
        #expect(refusal("y") == "the input has ended; nothing was written")
        #expect(refusal("n", "n", "n") == "no feature was taken; nothing was written")
    }

    @Test func `a question is asked again until it is answered, and a default needs only Return`() throws {
        var interview = Interview(Script(answers: ["", " ", "x", "", "maybe", "y"]))
        #expect(try interview.text("where", default: nil) == "x")
        #expect(try interview.text("where", default: "here") == "here")
        #expect(try interview.yes("sure?", default: false))
        #expect(
            interview.person.heard == [
                "where: ", "where: ", "where: ", "where [here]: ", "sure? [y/N] ", "y or n?", "sure? [y/N] ",
            ])
    }

    @Test func `an answer that will not do is said to, and asked for again`() throws {
        var interview = Interview(Script(answers: ["ftp", "http"]))
        #expect(try interview.text("where", default: "x") { $0 == "http" ? nil : "not \($0)" } == "http")
        #expect(interview.person.heard == ["where [x]: ", "not ftp", "where [x]: "])
    }

    @Test func `an answer is taken as it is, but for spaces around it`() throws {
        var interview = Interview(Script(answers: [" \thost=x password='a  b'  "]))
        #expect(try interview.text("where", default: nil) == "host=x password='a  b'")
    }

    @Test func `a person sees how many there are, and all that is to be minded`() throws {
        var proposal = proposal
        proposal.features[1].tables = [
            .init(name: QualifiedName("b")!, channel: .template("b"), reasons: ["alike"], warnings: ["it has no key"])
        ]
        proposal.features[1].confidence = .low
        proposal.features[1].basis = "a guess"
        proposal.features[1].hints = ["named the same: x.b"]
        var interview = Interview(Script(answers: ["n", "a"]))
        _ = try interview.choose(proposal)
        #expect(interview.person.heard.first?.hasPrefix("\n1 of 3: a: GET /a\n") == true)
        #expect(
            interview.person.heard[2] == """

                2 of 3: b: GET /b
                  public.b on b (alike)
                    warning: it has no key
                  found: a guess
                  note: named the same: x.b
                """)
    }

    @Test func `a summary shows the tables with their reasons, on one line each`() {
        var feature = proposal.features[0]
        feature.tables = [.init(name: QualifiedName("a")!, channel: .template("a"), reasons: ["named\nlike it"])]
        #expect(Interview<Script>.summary(feature) == "a: GET /a\n  public.a on a (named like it)")
        #expect(Interview<Script>.summary(proposal.features[1]) == "b: GET /b\n  no table was found: to be filled in")
    }
}
