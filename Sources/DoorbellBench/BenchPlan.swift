/// How long and how often.
struct BenchPlan: Sendable {
    let rounds: Int
    /// Of one pgbench run.
    let seconds: Int
    /// Of the backlog.
    let rows: Int
    let bulkRows: Int
    let latencySeconds: Int
    let idleSeconds: Int

    init(quick: Bool, rounds: Int?, seconds: Int?, rows: Int?) {
        self.rounds = rounds ?? (quick ? 2 : 5)
        self.seconds = seconds ?? (quick ? 2 : 5)
        self.rows = rows ?? (quick ? 100_000 : 1_000_000)
        self.bulkRows = quick ? 20_000 : 100_000
        self.latencySeconds = quick ? 5 : 20
        self.idleSeconds = quick ? 5 : 20
    }
}
