import DoorbellCore
import DoorbellTestSupport
import Testing

@testable import DoorbellServer

@Suite struct DeadlineTableTests {
    final class Member {}

    func at(_ milliseconds: Int64) -> Timestamp { Timestamp(microseconds: milliseconds * 1000) }

    @Test("a member is taken out once, never before its moment and at most half a second after it")
    func due() {
        var table = DeadlineTable<Member>()
        let (a, b) = (Member(), Member())
        table.set(a, at: at(10_100))
        table.set(b, at: at(12_000))
        #expect(table.due(now: at(10_099)).isEmpty)
        #expect(table.due(now: at(10_600)).map(ObjectIdentifier.init) == [ObjectIdentifier(a)])
        #expect(table.due(now: at(11_999)).isEmpty)
        #expect(table.due(now: at(12_000)).map(ObjectIdentifier.init) == [ObjectIdentifier(b)])
        #expect(table.isEmpty)
    }

    @Test("a moment that is set again takes the place of the one before, and nil takes it away")
    func replaced() {
        var table = DeadlineTable<Member>()
        let a = Member()
        table.set(a, at: at(1000))
        table.set(a, at: at(5000))
        #expect(table.due(now: at(4999)).isEmpty && !table.isEmpty)
        table.set(a, at: nil)
        #expect(table.isEmpty && table.due(now: at(9000)).isEmpty)
    }

    @Test("it takes what a table that looks at every member takes, whatever is set and however the clock goes")
    func model() {
        var random = SplitMix(state: 7)
        var table = DeadlineTable<Member>()
        let members = (0..<20).map { _ in Member() }
        var model: [ObjectIdentifier: Int64] = [:]
        for _ in 0..<5000 {
            let member = members[Int.random(in: 0..<20, using: &random)]
            if Bool.random(using: &random) {
                let moment = Bool.random(using: &random) ? Int64.random(in: 0..<20_000, using: &random) : nil
                table.set(member, at: moment.map(at))
                model[ObjectIdentifier(member)] = moment
            } else {
                let now = Int64.random(in: 0..<20_000, using: &random)
                let taken = Set(table.due(now: at(now)).map(ObjectIdentifier.init))
                // Rounded up to half a second.
                let expected = model.filter { ($0.value + 499) / 500 * 500 <= now / 500 * 500 }.keys
                #expect(taken == Set(expected))
                for id in expected { model[id] = nil }
            }
            #expect(table.isEmpty == model.isEmpty)
        }
    }
}
