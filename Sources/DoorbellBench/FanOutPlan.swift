/// How many connections, how long and how often the fan-out section measures.
struct FanOutPlan: Sendable {
    /// Subscribers of the one channel, and channels of the private ones.
    let many: Int
    /// Subscribers of the one channel in the second comparison.
    let few: Int
    let rounds: Int
    /// Of 10 messages a second to ``many`` and of private messages.
    let seconds: Int
    /// As fast as possible to ``many`` and to ``few``.
    let fastMessages: (many: Int, few: Int)
    /// A second, each to one connection.
    let privateRate: Int
    /// Idle in one process.
    let idle: Int
    /// Connect/disconnect cycles of ten connections.
    let cycles: Int

    init(_ plan: BenchPlan, quick: Bool) {
        many = quick ? 1000 : 10_000
        few = quick ? 200 : 1000
        rounds = quick ? 1 : plan.rounds
        seconds = quick ? 2 : 5
        fastMessages = quick ? (100, 400) : (80, 800)
        privateRate = quick ? 1000 : 5000
        idle = quick ? 1500 : 19_000
        cycles = quick ? 100 : 1000
    }
}
