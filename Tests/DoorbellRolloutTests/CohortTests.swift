import DoorbellCore
import Testing

@testable import DoorbellRollout

@Suite struct CohortTests {
    func member(_ name: String) -> CohortMember { CohortMember(key: "user:\(name)", name: name) }

    func feature(
        _ name: String = "orders", stage: Stage = .canary, percent: String = "0", allow: Set<String> = [],
        deny: Set<String> = []
    ) throws -> Feature {
        Feature(
            name: name, poll: try PollPattern("GET /f"), tables: [], stage: stage, percent: Percent(percent),
            cohort: CohortRule(allow: allow, deny: deny))
    }

    func usesPush(_ feature: Feature, _ name: String?) -> Bool {
        Cohort.usesPush(feature, stage: feature.start.stage, percent: feature.start.share) {
            name.map(member) ?? CohortMember(key: "address:192.0.2.1", name: nil)
        }
    }

    @Test("a client's bucket is the same in every release")
    func golden() {
        let values = [
            ("orders", "user:1"), ("orders", "user:2"), ("notifications", "user:1"), ("orders", ""),
            ("orders", "address:192.0.2.1"), ("orders", "user:Zoë"),
        ].map { Cohort.bucket(of: CohortMember(key: $0.1, name: nil), in: $0.0) }
        #expect(values == Self.buckets)
    }

    /// Made by another program, from the same description.
    static let buckets = [7578, 5652, 9228, 4898, 9974, 8049]

    @Test("a rising percentage only ever adds clients, up to everybody")
    func monotonic() throws {
        let steps = ["0", "0.01", "1", "5", "12.5", "50", "99.99", "100"]
        let features = try steps.map { try feature(percent: $0) }
        for number in 0..<2000 {
            let told = features.map { usesPush($0, String(number)) }
            #expect(told == told.sorted { !$0 && $1 }, "client \(number)")
            #expect(told.first == false && told.last == true)
        }
    }

    @Test("clients fall into buckets evenly: 100,000 of three kinds, within the bounds of chance")
    func distribution() {
        let count = 100_000
        for (kind, key) in [
            ("numbers", { "user:\($0)" }), ("names", { "user:customer-\($0 * 7919)@shop.example" }),
            ("addresses", { "address:10.\($0 >> 16).\($0 >> 8 & 255).\($0 & 255)" }),
        ] as [(String, (Int) -> String)] {
            var hundreds = [Int](repeating: 0, count: 100)
            for number in 0..<count {
                hundreds[Cohort.bucket(of: CohortMember(key: key(number), name: nil), in: "orders") / 100] += 1
            }
            let expected = Double(count) / 100
            let chiSquare = hundreds.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
            // 99 degrees of freedom: once in a million is 175.
            #expect(chiSquare < 175, "\(kind)")
            // Each percent of clients is one percent, to five standard deviations (158).
            #expect(hundreds.allSatisfy { abs(Double($0) - expected) < 158 }, "\(kind)")
        }
    }

    @Test("features have cohorts of their own: who is early in one is not early in all")
    func independence() throws {
        let (a, b) = (try feature("a", percent: "10"), try feature("b", percent: "10"))
        let both = (0..<100_000).count { usesPush(a, String($0)) && usesPush(b, String($0)) }
        // 1,000 expected, a standard deviation is 31.
        #expect(abs(both - 1000) < 160)
    }

    @Test("lists: allowed clients are in every canary, denied ones are never told push, who has no name is on none")
    func lists() throws {
        let canary = try feature(allow: ["1", "2"], deny: ["2", "3"])
        #expect(["1", "2", "3", "4"].map { usesPush(canary, $0) } == [true, false, false, false])
        #expect(!usesPush(canary, nil))
        for stage in [Stage.push, .retired] {
            let feature = try feature(stage: stage, deny: ["2"])
            #expect(["1", "2"].map { usesPush(feature, $0) } == [true, false])
            #expect(usesPush(feature, nil))
        }
        for stage in [Stage.observe, .shadow] { #expect(!usesPush(try feature(stage: stage, allow: ["1"]), "1")) }
        #expect(!usesPush(try feature(percent: "100", deny: ["2"]), "2"))
    }

    @Test("who the client is is not asked where it does not matter")
    func lazy() throws {
        for (feature, told) in [
            (try feature(stage: .push), true), (try feature(percent: "100"), true), (try feature(), false),
            (try feature(stage: .observe, deny: ["1"]), false),
        ] {
            let answer = Cohort.usesPush(feature, stage: feature.start.stage, percent: feature.start.share) {
                Issue.record("asked")
                return member("1")
            }
            #expect(answer == told)
        }
    }
}
