import DoorbellCore
import Testing

@testable import DoorbellSimulate

@Suite("What is simulated")
struct SimulationPlanTests {
    @Test("5,000 clients that poll every 2 s are 9,000,000 requests an hour")
    func story() {
        let plan = SimulationPlan()
        #expect(plan.clients == 5000)
        #expect(plan.interval == 2)
        #expect(plan.intendedRate == 2500)
        #expect(plan.hourly == 9_000_000)
    }

    @Test("polling comes first, push last, and what was asked for between them")
    func phases() {
        var plan = SimulationPlan()
        #expect(plan.phases == [.polling, .push(.webSocket)])
        plan.hasEntityTags = true
        plan.hasCache = true
        plan.transport = .eventStream
        #expect(plan.phases == [.polling, .conditional, .cached, .push(.eventStream)])
    }

    @Test("the defaults are right") func defaults() throws { try SimulationPlan().check() }

    private static let refused: [(@Sendable (inout SimulationPlan) -> Void, String)] = [
        ({ $0.clients = 0 }, "--clients must be 1 to 20000"),
        ({ $0.clients = 20_001 }, "--clients must be"),
        ({ $0.interval = 0.05 }, "--interval must be 100ms to 1h"),
        ({ $0.interval = .nan }, "--interval must be"),
        ({ $0.changeRate = 0 }, "--change-rate must be"),
        ({ $0.changeRate = 2001 }, "--change-rate must be"),
        ({ $0.changeRate = .infinity }, "--change-rate must be"),
        ({ $0.duration = 0.5 }, "--duration must be 1s to 1h"),
        ({ $0.interval = 60 }, "--duration must be twice --interval"),
        ({ $0.interval = 0.2 }, "5000 clients that poll every 0.2 s are 25,000 polls a second"),
        (
            {
                $0.changeRate = 2000
                $0.duration = 3600
            }, "more than 1,000,000 changes"
        ),
    ]

    @Test("what makes no sense is refused, with the option's name", arguments: refused)
    func mistakes(_ change: @Sendable (inout SimulationPlan) -> Void, _ words: String) {
        var plan = SimulationPlan()
        change(&plan)
        do throws(DoorbellError) {
            try plan.check()
            Issue.record("was taken")
        } catch {
            #expect(error.code == .usage)
            #expect(error.message.contains(words), "\(error)")
        }
    }

    @Test("a limit of open files that is too low is told, with what would be enough")
    func descriptors() throws {
        var plan = SimulationPlan()
        do throws(DoorbellError) {
            try plan.check(descriptors: 1024)
            Issue.record("was taken")
        } catch {
            #expect(error.code == .system)
            #expect(error.message.contains("5000 clients need 5320 open files"), "\(error)")
            #expect(error.message.contains("the limit is 1024"), "\(error)")
            #expect(error.hint?.contains("--clients 704") == true, "\(error)")
        }
        plan.clients = 704
        try plan.check(descriptors: 1024)
        plan.clients = 5000
        try plan.check(descriptors: 5320)
    }

    @Test("no clients are proposed where not even one would do")
    func hopeless() {
        do throws(DoorbellError) {
            try SimulationPlan().check(descriptors: 256)
            Issue.record("was taken")
        } catch {
            #expect(error.hint?.contains("--clients") == false, "\(error)")
        }
    }
}
